"""Vectors of molecules on disk, shared by all who encode with the same encoder.

A folder of small files, each named by the digest of its content and never changed: writers cannot
hurt each other, and a file that is not what its name says is damaged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyarrow import fs
from safetensors.numpy import load, save

from smm4h_core.errors import DataError
from smm4h_core.storage import Storage

_SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class MoleculeVector:
    """One molecule as an encoder sees it."""

    vector: NDArray[np.float32]
    """``(H_m,)``; not writeable."""
    truncated: bool
    """Whether the SMILES was longer than the encoder was let read."""


def read_vectors(folder: Storage) -> dict[str, MoleculeVector]:
    """All vectors in a folder by SMILES; damaged files are deleted, so that they are made anew.

    Two may have encoded a molecule at once, alike but for the last digit. The older file counts,
    so that who reads again reads the same.
    """
    selector = fs.FileSelector(folder.root, allow_not_found=True)
    files = [info for info in folder.filesystem.get_file_info(selector) if info.is_file]
    vectors: dict[str, MoleculeVector] = {}
    for info in sorted(files, key=lambda each: (each.mtime_ns, each.base_name)):
        if not info.base_name.endswith(_SUFFIX):
            continue
        try:
            with folder.read(info.base_name) as stream:
                content = stream.read()
        except (DataError, FileNotFoundError):
            continue  # another reader found it damaged and was quicker
        if _name(content) != info.base_name:
            folder.delete(info.base_name)
            continue
        for smiles, vector in _unpack(content).items():
            vectors.setdefault(smiles, vector)
    return vectors


def write_vectors(folder: Storage, vectors: Mapping[str, MoleculeVector]) -> None:
    """Add vectors to a folder in one new file."""
    content = _pack(vectors)
    folder.write(_name(content), lambda stream: stream.write(content))


def _name(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() + _SUFFIX


def _pack(vectors: Mapping[str, MoleculeVector]) -> bytes:
    smiles = sorted(vectors)
    return save(
        {
            # A SMILES holds no line feed: RDKit wrote it.
            "smiles": np.frombuffer("\n".join(smiles).encode(), np.uint8),
            "truncated": np.array([vectors[each].truncated for each in smiles], np.uint8),
            "vectors": np.stack([vectors[each].vector for each in smiles]),
        }
    )


def _unpack(content: bytes) -> dict[str, MoleculeVector]:
    arrays = load(content)
    smiles = arrays["smiles"].tobytes().decode().split("\n")
    rows = arrays["vectors"]
    rows.setflags(write=False)
    truncated = arrays["truncated"].astype(bool).tolist()
    return {
        one: MoleculeVector(row, cut) for one, row, cut in zip(smiles, rows, truncated, strict=True)
    }
