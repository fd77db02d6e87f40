"""How much each key mattered in a search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

LEAST_TRIALS = 8
"""Scores below which a forest of trees sees nothing but chance."""
_TREES, _REPEATS = 100, 20


@dataclass(frozen=True, slots=True, eq=False)
class Dimension:
    """One thing that trials differ in."""

    name: str
    """A key path, or what candidates differ in."""
    values: tuple[Any, ...]
    """Of each trial; None where it was not drawn."""
    scale: Literal["linear", "log", "choice"]
    """How its values lie: numbers, numbers by ratio, or names in the order of ``choices``."""
    choices: tuple[Any, ...] = ()
    """All values of a ``choice``."""

    @property
    def varies(self) -> bool:
        """Whether at least two trials differ in it."""
        return len({repr(value) for value in self.values}) > 1

    def positions(self) -> NDArray[np.float64]:
        """Where each value lies, in [0, 1]; NaN where it was not drawn."""
        if self.scale == "choice":
            last = max(1, len(self.choices) - 1)
            places = {repr(choice): place / last for place, choice in enumerate(self.choices)}
            return np.array([places.get(repr(value), np.nan) for value in self.values])
        return np.array([np.nan if v is None else self.height_of(v) for v in self.values])

    def height_of(self, value: float) -> float:
        """Where a number lies between the least and the greatest of the values, in [0, 1]."""
        numbers = [float(each) for each in self.values if each is not None]
        low, high, place = min(numbers), max(numbers), float(value)
        if self.scale == "log":
            low, high, place = math.log(low), math.log(high), math.log(place)
        return (place - low) / (high - low if high > low else 1.0)


@dataclass(frozen=True, slots=True)
class Importance:
    """What scores lose when one dimension's values are shuffled."""

    name: str
    """The dimension's name."""
    mean: float
    """Mean loss of the forest's R² over repeats."""
    sd: float
    """Its standard deviation."""


def score_range(scores: NDArray[np.float64]) -> tuple[float, float]:
    """The range in which scores are told apart: from the greatest to thrice the median's distance.

    What lies further down did not learn, and by how much does not matter.
    """
    known = scores[~np.isnan(scores)]
    if not len(known):
        return 0.0, 1.0
    high = float(known.max())
    low = float(max(known.min(), high - 3 * (high - np.median(known))))
    return (low, high) if high > low else (low - 0.01, high + 0.01)


def measure_importance(
    dimensions: Sequence[Dimension], scores: Sequence[float | None], *, seed: int
) -> tuple[tuple[Importance, ...], float] | None:
    """Permutation importance (Breiman, Machine Learning 2001) in a random forest over trials.

    Trials without a score have no part in it; a dimension not drawn is a value of its own. Scores
    below `score_range` count as its lower end: else a trial that learnt nothing would be all that
    the forest explains.

    Returns:
        Importances, the greatest first, and the forest's out-of-bag R², without which they cannot
        be judged: near or below 0 the forest explains nothing. None for fewer than `LEAST_TRIALS`
        scores or no dimension that varies.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    scored = np.array([score is not None for score in scores], dtype=np.bool_)
    varying = [dimension for dimension in dimensions if dimension.varies]
    if scored.sum() < LEAST_TRIALS or not varying:
        return None
    columns = [np.nan_to_num(dimension.positions(), nan=-1.0) for dimension in varying]
    features = np.stack(columns, axis=1)[scored]
    known = np.array([score for score in scores if score is not None])
    target = np.clip(known, *score_range(known))
    forest = RandomForestRegressor(_TREES, oob_score=True, random_state=seed).fit(features, target)
    lost = permutation_importance(forest, features, target, n_repeats=_REPEATS, random_state=seed)
    found = [
        Importance(dimension.name, float(mean), float(sd))
        for dimension, mean, sd in zip(
            varying, lost.importances_mean, lost.importances_std, strict=True
        )
    ]
    return tuple(sorted(found, key=lambda each: -each.mean)), float(forest.oob_score_)
