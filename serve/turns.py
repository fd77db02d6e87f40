"""When a refused client should come again: when those that were refused before it are through.

Clients that are all told the same second come back together, and all but a few are refused again;
refusing costs time, too. Each is told a turn of its own instead.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 10.0
"""Seconds that tell how fast requests are answered of late."""
MOST_ENDS = 512
"""Answers remembered at most."""


class Turns:
    """Hands out turns, one refusal after another, at the pace of the answers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: deque[float] = deque(maxlen=MOST_ENDS)
        self._last_turn = -math.inf

    def note_end(self) -> None:
        """A request has ended, and made room for another."""
        self._ends.append(self._clock())

    def wait_s(self, least: int, most: int) -> int:
        """Seconds until the next free turn, which is taken by this.

        Args:
            least: The fewest; also the answer where too little has ended to tell the pace.
            most: The most; turns beyond are not handed out, those who get it come together.
        """
        now = self._clock()
        recent = [each for each in self._ends if now - each < WINDOW_S]
        if len(recent) < 2 or recent[-1] == recent[0]:
            return least
        per_s = (len(recent) - 1) / (recent[-1] - recent[0])
        self._last_turn = min(max(self._last_turn, now) + 1 / per_s, now + most)
        return min(most, max(least, math.ceil(self._last_turn - now)))
