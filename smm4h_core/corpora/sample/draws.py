"""Random draws built on ``Random.random()`` alone.

It is the one method whose sequence Python promises to keep between versions; ``choice`` and
``shuffle`` may draw otherwise in a later one and would change the sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def chance(rng: Random, prob: float) -> bool:
    """Answer True with probability ``prob``; one draw."""
    return rng.random() < prob


def draw_below(rng: Random, limit: int) -> int:
    """Draw an integer from ``[0, limit)``; one draw."""
    return int(rng.random() * limit)


def pick(rng: Random, items: Sequence[T]) -> T:
    """Draw one of ``items``; one draw."""
    return items[draw_below(rng, len(items))]


def shuffled(rng: Random, items: Sequence[T]) -> list[T]:
    """Permute ``items`` (Fisher-Yates, from the end); ``len(items) - 1`` draws."""
    order = list(items)
    for last in range(len(order) - 1, 0, -1):
        other = draw_below(rng, last + 1)
        order[last], order[other] = order[other], order[last]
    return order
