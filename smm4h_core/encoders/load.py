"""Encoders by name: load with weights, save the architecture, build it again without weights."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import cast

from smm4h_core.encoders.base import POOLINGS, LoadedEncoder, Pooling
from smm4h_core.errors import EncoderError
from smm4h_core.packaged import PACKAGE, locate_in_package

_MANIFEST = "encoder.json"
_MANIFEST_KEYS = {"family", "pooling", "uri"}
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


def load_text_encoder(uri: str, *, pooling: Pooling | None = None) -> LoadedEncoder:
    """Loads an encoder with its weights.

    Args:
        uri: ``package:<import name>/<folder>`` for weights inside an installed Python package,
            ``./folder`` or ``/folder``, else a hub id such as ``FacebookAI/roberta-large``.
        pooling: How states become one vector. None is the encoder's own way: what a
            sentence-transformers folder states, ``native`` for the Universal Sentence Encoder,
            else ``cls``.

    Raises:
        EncoderError: The URI is malformed, names nothing, or names what is no text encoder.
    """
    folder = locate_encoder(uri)
    if folder is not None and (folder / "sp.model").is_file():
        from smm4h_core.encoders.use_multilingual import load_use_multilingual

        if pooling not in (None, "native"):
            raise EncoderError(f"{uri}: this encoder pools natively, got pooling {pooling!r}")
        return load_use_multilingual(folder, uri=uri)

    # transformers takes seconds to import, and the branch above needs none of it.
    from smm4h_core.encoders._huggingface import load_huggingface

    if folder is not None and not (folder / "config.json").is_file():
        raise EncoderError(f"{uri}: expected config.json, or sp.model and weights.npz, in {folder}")
    return load_huggingface(uri if folder is None else str(folder), uri=uri, pooling=pooling)


def save_text_encoder(loaded: LoadedEncoder, folder: Path) -> None:
    """Writes architecture and tokeniser, without weights, for `build_text_encoder`."""
    folder.mkdir(parents=True, exist_ok=True)
    loaded.encoder.save_config(folder)
    loaded.tokeniser.save(folder)
    manifest = {
        "family": loaded.encoder.family,
        "pooling": loaded.encoder.pooling,
        "uri": loaded.uri,
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def build_text_encoder(folder: Path) -> LoadedEncoder:
    """Builds what `save_text_encoder` wrote; its weights are unset until ``load_state_dict``.

    Raises:
        EncoderError: The folder is incomplete or was not written by `save_text_encoder`.
    """
    path = folder / _MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"{path}: expected the encoder's JSON description: {error}") from error
    if not isinstance(manifest, dict) or set(manifest) != _MANIFEST_KEYS:
        raise EncoderError(f"{path}: expected the keys {sorted(_MANIFEST_KEYS)}, got {manifest}")
    family, pooling, uri = manifest["family"], manifest["pooling"], str(manifest["uri"])
    if pooling not in POOLINGS:
        raise EncoderError(f"{path}: expected pooling to be one of {POOLINGS}, got {pooling!r}")
    if family == "use-multilingual":
        from smm4h_core.encoders.use_multilingual import build_use_multilingual

        return build_use_multilingual(folder, uri=uri)
    if family == "huggingface":
        from smm4h_core.encoders._huggingface import build_huggingface

        return build_huggingface(folder, uri=uri, pooling=cast(Pooling, pooling))
    raise EncoderError(f"{path}: expected family huggingface or use-multilingual, got {family!r}")


def check_length(wanted: int, loaded: LoadedEncoder) -> int:
    """The length wanted, if the encoder can read that many word-pieces.

    Raises:
        EncoderError: It cannot.
    """
    if wanted > loaded.encoder.max_length:
        raise EncoderError(
            f"{loaded.uri}: reads at most {loaded.encoder.max_length} word-pieces, "
            f"encoder.max_length asks for {wanted}"
        )
    return wanted


def locate_encoder(uri: str) -> Path | None:
    """The folder that the URI names; None for a hub id.

    Raises:
        EncoderError: The URI is malformed, or names no folder.
    """
    if uri.startswith(PACKAGE):
        folder = locate_in_package(uri, EncoderError)
    elif uri.startswith(("./", "../", "/")):
        folder = Path(uri)
    elif not _HUB_ID.fullmatch(uri):
        raise EncoderError(
            f"{uri!r}: expected a hub id (org/name), ./folder, /folder or package:name/folder"
        )
    elif Path(uri).is_dir():
        # transformers would take the folder silently, and the hub's model on another machine.
        raise EncoderError(f"{uri}: a hub id that is also a folder here; write ./{uri} for that")
    else:
        return None
    if not folder.is_dir():
        raise EncoderError(f"{uri}: no such folder: {folder}")
    return folder
