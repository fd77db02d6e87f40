"""How much of an answer's time goes into cutting texts into word-pieces."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smm4h_core.encoders.base import Encoding, Tokeniser


@dataclass(slots=True)
class Took:
    """Of one batch."""

    tokenise_s: float = 0.0
    """Seconds in tokenisers."""
    rest_s: float = 0.0
    """All other seconds."""


class TokeniserClock:
    """A clock that the tokenisers of a part share; one batch runs at a time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """Spent in tokenisers so far."""

    @contextmanager
    def measured(self) -> Iterator[Took]:
        """Measure what happens inside; the numbers are there after it."""
        took, before, started = Took(), self.seconds, time.perf_counter()
        yield took
        took.tokenise_s = self.seconds - before
        took.rest_s = time.perf_counter() - started - took.tokenise_s


class _Clocked:
    """A tokeniser that tells the clock."""

    def __init__(self, tokeniser: Tokeniser, clock: TokeniserClock) -> None:
        self._tokeniser = tokeniser
        self._clock = clock
        self.pad_id = tokeniser.pad_id

    def encode(self, texts: Sequence[str], *, max_length: int) -> list[Encoding]:
        started = time.perf_counter()
        try:
            return self._tokeniser.encode(texts, max_length=max_length)
        finally:
            self._clock.seconds += time.perf_counter() - started

    def save(self, folder: Path) -> None:
        self._tokeniser.save(folder)


def time_part(part: Any, clock: TokeniserClock) -> Any:
    """The same part with its tokeniser timed."""
    inside = getattr(part, "linker", None)
    holder = part if inside is None else inside
    timed = replace(holder, tokeniser=_Clocked(holder.tokeniser, clock))
    return timed if inside is None else replace(part, linker=timed)
