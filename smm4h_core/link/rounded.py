"""Vectors of terms at a byte a number: a quarter of the space, for bundles that must be small.

Each vector is a scale times whole numbers from -127 to 127. Rounding what was rounded changes
nothing, so an index answers the same before it was saved and after.
"""

from __future__ import annotations

from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from smm4h_core.errors import DataError
from smm4h_core.link.similarity import Vectors

MOST = 127


def round_vectors(vectors: Vectors) -> Vectors:
    """The nearest vectors ``(N, H)`` that a byte a number can say."""
    scales, codes = _encode(vectors)
    return _decode(scales, codes)


def write_rounded(vectors: Vectors, numbers: NDArray[np.int64], stream: IO[bytes]) -> None:
    """Write rounded vectors ``(N, H)`` with the numbers ``(N,)`` that they go by."""
    from safetensors.numpy import save

    scales, codes = _encode(vectors)
    stream.write(save({"scales": scales, "codes": codes, "numbers": numbers}))


def read_rounded(data: bytes, *, where: str) -> tuple[Vectors, NDArray[np.int64]]:
    """Read what `write_rounded` wrote: vectors ``(N, H)`` and their numbers.

    Raises:
        DataError: another format, by ``where``.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        stored: dict[str, Any] = load(data)
        return _decode(stored["scales"], stored["codes"]), stored["numbers"]
    except (SafetensorError, KeyError, ValueError) as error:
        raise DataError(f"{where}: expected rounded vectors: {error}") from None


def _encode(vectors: Vectors) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    scales = np.abs(vectors).max(axis=1, initial=0).astype(np.float32) / np.float32(MOST)
    safe = np.where(scales > 0, scales, np.float32(1))
    codes = np.rint(vectors / safe[:, None]).astype(np.int8)
    return scales, codes


def _decode(scales: NDArray[np.float32], codes: NDArray[np.int8]) -> Vectors:
    return codes.astype(np.float32) * scales[:, None]
