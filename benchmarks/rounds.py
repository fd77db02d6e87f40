"""Speeds measured in turn, so that a machine's slow minute falls on every contender alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle and the ends of one number over rounds."""

    median: float
    """Middle."""
    low: float
    """Least."""
    high: float
    """Greatest."""

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True, slots=True)
class Speeds:
    """Pieces of work a second, round by round."""

    wall: tuple[float, ...]
    """By the clock on the wall."""
    cpu: tuple[float, ...]
    """By the process's own CPU seconds, all its threads together."""


def measure_in_turn(
    contenders: Mapping[str, Callable[[W], float]], work: W, *, warm_up: W, num_rounds: int
) -> dict[str, tuple[float, ...]]:
    """Run every contender in every round, A B C A B C; return their rates by name.

    Args:
        contenders: Each does the work and answers its rate.
        work: What is measured.
        warm_up: A little of it, done first and not counted: libraries compile and cache then.
        num_rounds: Rounds measured.
    """
    for run in contenders.values():
        run(warm_up)
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(num_rounds):
        for name, run in contenders.items():
            rates[name].append(run(work))
    return {name: tuple(each) for name, each in rates.items()}


def measure_speed(
    contenders: Mapping[str, Callable[[Sequence[W]], object]],
    work: Sequence[W],
    *,
    warm_up: Sequence[W],
    num_rounds: int,
) -> dict[str, Speeds]:
    """`measure_in_turn` of what answers pieces of work: how many a second, by either clock."""
    cpu: dict[str, list[float]] = {name: [] for name in contenders}

    def timed(name: str) -> Callable[[Sequence[W]], float]:
        def run(given: Sequence[W]) -> float:
            wall, busy = time.perf_counter(), time.process_time()
            contenders[name](given)
            cpu[name].append(len(given) / (time.process_time() - busy))
            return len(given) / (time.perf_counter() - wall)

        return run

    walls = measure_in_turn(
        {name: timed(name) for name in contenders}, work, warm_up=warm_up, num_rounds=num_rounds
    )
    return {name: Speeds(wall, tuple(cpu[name][-num_rounds:])) for name, wall in walls.items()}


def spread_of(values: Sequence[float]) -> Spread:
    """Return middle and ends."""
    return Spread(median(values), min(values), max(values))


def spread_of_ratio(rates: Sequence[float], baseline: Sequence[float]) -> Spread:
    """Return how many times as fast, round by round: both ran in the same minute."""
    return spread_of([rate / base for rate, base in zip(rates, baseline, strict=True)])
