"""When Python looks for garbage: not while a command loads what it keeps to its end."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_later() -> Iterator[None]:
    """Collects nothing inside, and afterwards only among what comes later.

    Modules and a bundle are millions of objects, of which none is garbage: walking through them
    again and again takes more than a quarter of the time to a first answer. For short commands
    alone, since what is garbage when the block ends is never freed.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_collecting:
            gc.enable()
