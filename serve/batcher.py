"""Requests answered together, within a budget; plain asyncio, so that it runs without Ray.

`ray.serve.batch` counts by a function that knows no live budget, fails on a request above it, lets
one bad request fail its neighbours, and does not run outside a replica.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Q, A]):
    asked: Q
    cost: int
    since: float
    done: asyncio.Future[tuple[A, float]]


class Batcher(Generic[Q, A]):
    """Collects requests and answers one batch at a time."""

    def __init__(
        self,
        answer: Callable[[Sequence[Q]], Awaitable[Sequence[A]]],
        cost: Callable[[Q], int],
        *,
        budget: int,
        wait_s: float,
    ) -> None:
        self._answer = answer
        self._cost = cost
        self.budget = budget
        """Cost of a batch; a request that costs more is a batch of its own."""
        self.wait_s = wait_s
        """Seconds that a batch waits to be filled."""
        self._waiting: deque[_Waiting[Q, A]] = deque()
        self._arrived = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._busy_since: float | None = None

    async def ask(self, asked: Q) -> tuple[A, float]:
        """The answer, and the seconds that the request waited; whoever stops waiting is left out.

        Raises:
            Exception: whatever answering this very request raises.
        """
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        done: asyncio.Future[tuple[A, float]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(asked, self._cost(asked), time.perf_counter(), done))
        self._arrived.set()
        return await done

    def busy_s(self) -> float:
        """Seconds that the batch in progress has taken so far; 0 where there is none."""
        return 0.0 if self._busy_since is None else time.perf_counter() - self._busy_since

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            if self.wait_s and sum(each.cost for each in self._waiting) < self.budget:
                await asyncio.sleep(self.wait_s)
            batch = self._take()
            if batch:
                self._busy_since = time.perf_counter()
                try:
                    await self._answer_all(batch)
                finally:
                    self._busy_since = None

    def _take(self) -> list[_Waiting[Q, A]]:
        batch: list[_Waiting[Q, A]] = []
        spent = 0
        while self._waiting:
            first = self._waiting[0]
            if first.done.done():  # its client went away
                self._waiting.popleft()
                continue
            if batch and spent + first.cost > self.budget:
                break
            batch.append(self._waiting.popleft())
            spent += first.cost
        return batch

    async def _answer_all(self, batch: list[_Waiting[Q, A]]) -> None:
        started = time.perf_counter()
        try:
            answers = await self._answer([each.asked for each in batch])
        except Exception as error:
            if len(batch) == 1:
                if not batch[0].done.done():
                    batch[0].done.set_exception(error)
                return
            for each in batch:  # one of them is at fault: the others must not suffer for it
                await self._answer_all([each])
            return
        for each, answer in zip(batch, answers, strict=True):
            if not each.done.done():
                each.done.set_result((answer, started - each.since))
