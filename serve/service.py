"""What the HTTP interface needs of the rest; a test makes one without Ray."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from serve.graph import Graph
from serve.limits import Limits
from serve.metrics import Metrics
from serve.turns import Turns
from smm4h_core.access_keys import AccessKey

READY_FOR_S = 1.0
"""Seconds that one look at the parts answers ``/readyz`` for."""

_log = logging.getLogger("smm4h.serve")


@dataclass(slots=True, eq=False)
class Service:
    """One ingress replica's own things."""

    graph: Graph
    """Answers posts."""
    limits: Limits
    """What a request may be; may change while serving."""
    keys: Callable[[], Sequence[AccessKey]] | None
    """Who may ask, as of now; None where no key is asked for."""
    metrics: Metrics
    """Counts."""
    ask_states: Callable[[], Awaitable[list[dict[str, Any]]]]
    """States of the parts; raises where one cannot be reached."""
    turns: Turns = field(default_factory=Turns, init=False)
    """When whoever is refused should come again."""
    in_flight: int = 0
    """Requests being answered."""
    _looked: float = field(default=-READY_FOR_S, init=False)
    _ready: bool = field(default=False, init=False)
    _was_ready: bool = field(default=False, init=False)

    async def is_ready(self) -> bool:
        """Whether every part answers."""
        if time.monotonic() - self._looked >= READY_FOR_S:
            try:
                await self.ask_states()
                self._ready = self._was_ready = True
            except Exception as error:  # of whichever engine: it means "not ready"
                _log.warning("not ready: %s", type(error).__name__)
                self._ready = False
            self._looked = time.monotonic()
        return self._ready

    async def was_ready(self) -> bool:
        """Whether every part has answered since the start; later losses are waited out."""
        return self._was_ready or await self.is_ready()
