"""Which encoder it is, told by what its files hold rather than by its name, without loading it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from huggingface_hub import try_to_load_from_cache

from smm4h_core.encoders.load import load_text_encoder, locate_encoder
from smm4h_core.errors import EncoderError

CONTENT = (".bin", ".json", ".model", ".npz", ".safetensors", ".txt")
"""Endings of the files that decide what an encoder says: configuration, weights, tokeniser."""


def encoder_folder(uri: str) -> Path:
    """The folder that holds the encoder's files; for a hub id the one in the local cache.

    Raises:
        EncoderError: There is none, and the hub cannot be asked either.
    """
    folder = locate_encoder(uri)
    if folder is not None:
        return folder
    found = try_to_load_from_cache(uri, "config.json")
    if not isinstance(found, str):
        load_text_encoder(uri)  # fetches it, or says why that cannot be
        found = try_to_load_from_cache(uri, "config.json")
    if not isinstance(found, str):
        raise EncoderError(f"{uri}: expected config.json in the local cache of the hub")
    return Path(found).parent


def encoder_digest(folder: Path) -> str:
    """Digest of the names and bytes of all files that decide what the encoder says, 64 digits."""
    digest = hashlib.sha256()
    paths = (path for path in folder.rglob("*") if path.suffix in CONTENT and path.is_file())
    for path in sorted(paths):
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def stated_size(folder: Path) -> int | None:
    """``H`` as ``config.json`` states it; None where there is no such file or it does not."""
    path = folder / "config.json"
    if not path.is_file():
        return None
    size = json.loads(path.read_text(encoding="utf-8")).get("hidden_size")
    return size if isinstance(size, int) else None
