"""Bootstrap intervals of precision, recall and F1, for labels and for spans alike.

Drawing N posts with replacement is drawing multinomial counts of their distinct rows. Labels have
four (tp, fp, fn, true negative) and spans a few dozen, so thousands of resamples take milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smm4h_core.errors import DataError
from smm4h_core.evaluation.counts import CountRows, check_rows, precision_recall_f1

_CELLS_AT_ONCE = 4_000_000
"""Resamples times distinct rows drawn at once: 32 MB."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A percentile interval."""

    low: float
    """Lower end."""
    high: float
    """Upper end."""


@dataclass(frozen=True, slots=True)
class ScoreIntervals:
    """Intervals of the three numbers of a `Score`."""

    precision: Interval
    """Interval of precision."""
    recall: Interval
    """Interval of recall."""
    f1: Interval
    """Interval of F1."""

    def to_json(self) -> dict[str, list[float]]:
        """Return ``[low, high]`` by number."""
        return {
            "precision": [self.precision.low, self.precision.high],
            "recall": [self.recall.low, self.recall.high],
            "f1": [self.f1.low, self.f1.high],
        }


def bootstrap_intervals(
    rows: CountRows,
    *,
    groups: Sequence[str | None] | None = None,
    level: float = 0.95,
    num_resamples: int = 2000,
    seed: int = 0,
) -> ScoreIntervals:
    """Return percentile bootstrap intervals (Efron and Tibshirani 1993, chapter 13).

    Args:
        rows: (N, 3) counts by post, posts without any included.
        groups: (N,) author, review or article of each post, drawn as a whole, because posts of one
            group are not independent; None in it is a post on its own. Without it every post is.
        level: share of resamples inside the interval.
        num_resamples: resamples drawn.
        seed: seed of the draws; the same seed gives the same interval.

    Raises:
        DataError: rows or groups that do not fit, a level outside (0, 1), or no resample.
    """
    units = sum_by_group(check_rows(rows, "rows"), groups)
    numbers = precision_recall_f1(resample_totals(units, num_resamples=num_resamples, seed=seed))
    precision, recall, f1 = (percentile_interval(column, level) for column in numbers.T)
    return ScoreIntervals(precision, recall, f1)


def sum_by_group(rows: NDArray[np.int64], groups: Sequence[str | None] | None) -> NDArray[np.int64]:
    """Return ``(G, K)`` sums of rows ``(N, K)`` by group, in order of appearance.

    Raises:
        DataError: not one group (or None) for each row.
    """
    if groups is None:
        return rows
    if len(groups) != len(rows):
        raise DataError(f"groups: expected {len(rows)}, one for each row, got {len(groups)}")
    unit_by_key: dict[str | int, int] = {}
    units = [
        unit_by_key.setdefault(post if group is None else group, len(unit_by_key))
        for post, group in enumerate(groups)
    ]
    sums = np.zeros((len(unit_by_key), rows.shape[1]), dtype=np.int64)
    np.add.at(sums, units, rows)
    return sums


def resample_totals(rows: NDArray[np.int64], *, num_resamples: int, seed: int) -> NDArray[np.int64]:
    """Return ``(R, K)`` column sums of R resamples of the units in rows ``(N, K)``.

    Raises:
        DataError: no resample.
    """
    if num_resamples < 1:
        raise DataError(f"num_resamples: expected at least 1, got {num_resamples}")
    distinct, frequency = np.unique(rows, axis=0, return_counts=True)
    share = frequency / len(rows)
    rng = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // len(distinct))
    return np.concatenate(
        [
            rng.multinomial(len(rows), share, size=min(at_once, num_resamples - done)) @ distinct
            for done in range(0, num_resamples, at_once)
        ]
    )


def percentile_interval(samples: NDArray[np.float64], level: float) -> Interval:
    """Return the interval that leaves ``(1 - level) / 2`` of the samples ``(R,)`` on each side.

    Raises:
        DataError: a level outside (0, 1).
    """
    if not 0 < level < 1:
        raise DataError(f"level: expected between 0 and 1, got {level}")
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
