"""Memory that was used and is free again, given back to the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back_memory() -> None:
    """Let the C library return what it holds for later.

    Pieces of many sizes, as padded batches are, leave holes that are never asked for again: a
    process that answers them grows for hours, though it holds nothing. It takes milliseconds.
    """
    with suppress(OSError, AttributeError):  # only glibc keeps what is free until it is asked
        ctypes.CDLL(None).malloc_trim(0)
