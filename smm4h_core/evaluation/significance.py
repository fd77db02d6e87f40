"""Is one run better than another on the same posts, or did the posts or the seeds fall so?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smm4h_core.errors import DataError
from smm4h_core.evaluation.counts import CountRows, check_rows, precision_recall_f1
from smm4h_core.evaluation.intervals import (
    Interval,
    percentile_interval,
    resample_totals,
    sum_by_group,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A contender's F1 against a baseline's, paired by post."""

    baseline_f1: float
    """F1 of the baseline."""
    contender_f1: float
    """F1 of the contender."""
    difference: float
    """Contender's F1 less the baseline's."""
    interval: Interval
    """Paired bootstrap interval of the difference."""
    bootstrap_p: float
    """Two-sided p-value: twice the smaller share of resamples on one side of 0."""
    permutation_p: float
    """Two-sided p-value: share of random exchanges with a difference at least as large."""


@dataclass(frozen=True, slots=True)
class MemberSpread:
    """How much a number depends on the seed."""

    mean: float
    """Mean over members."""
    sd: float | None
    """Sample standard deviation over members; None of a single member."""
    low: float
    """Least value of a member."""
    high: float
    """Greatest value of a member."""
    num_members: int
    """Members, E."""


def compare_runs(
    baseline: CountRows,
    contender: CountRows,
    *,
    groups: Sequence[str | None] | None = None,
    level: float = 0.95,
    num_resamples: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Compare two runs' answers, one a post: two ensembles, or two single models.

    The permutation test is approximate randomisation (Noreen 1989; Yeh, COLING 2000): under the
    null hypothesis a post's two answers could as well have come from each other's run. Both
    p-values count the observed outcome itself, ``(1 + k) / (1 + num_resamples)``, and so are never
    0 (Phipson and Smyth 2010). They speak of other posts, not of other seeds: give ensembles, and
    report `spread_over_members` beside them.

    Args:
        baseline: (N, 3) counts by post.
        contender: (N, 3) counts of the same posts in the same order.
        groups: (N,) as for `smm4h_core.evaluation.intervals.bootstrap_intervals`; a group is drawn
            and exchanged as a whole.
        level: share of resamples inside the interval.
        num_resamples: resamples, and exchanges, drawn.
        seed: seed of the draws.

    Raises:
        DataError: rows or groups that do not fit, a level outside (0, 1), or no resample.
    """
    check_rows(baseline, "baseline")
    check_rows(contender, "contender")
    if len(baseline) != len(contender):
        raise DataError(f"expected the same posts, got {len(baseline)} and {len(contender)}")
    units = sum_by_group(np.concatenate([baseline, contender], axis=1), groups)
    totals = units.sum(axis=0)
    resampled = _difference(resample_totals(units, num_resamples=num_resamples, seed=seed))
    exchanged = _difference(_exchange(units, num_resamples, seed))
    observed = float(_difference(totals))
    # Exchanges that give the observed counts back must count as equal whatever the rounding.
    as_large = np.abs(exchanged) >= abs(observed) - 1e-12
    one_sided = min(_p_value(resampled <= 0), _p_value(resampled >= 0))
    return Comparison(
        baseline_f1=float(_f1(totals[:3])),
        contender_f1=float(_f1(totals[3:])),
        difference=observed,
        interval=percentile_interval(resampled, level),
        bootstrap_p=min(1.0, 2 * one_sided),
        permutation_p=_p_value(as_large),
    )


def spread_over_members(values: Sequence[float]) -> MemberSpread:
    """Return mean and spread of one number, such as F1, over the members' ``(E,)`` values.

    Raises:
        DataError: no value, or one that is not finite.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or numbers.size == 0 or not np.isfinite(numbers).all():
        raise DataError(f"values: expected a finite number per member, got {list(values)}")
    return MemberSpread(
        mean=float(numbers.mean()),
        sd=float(numbers.std(ddof=1)) if len(numbers) > 1 else None,
        low=float(numbers.min()),
        high=float(numbers.max()),
        num_members=len(numbers),
    )


def _exchange(units: NDArray[np.int64], num_exchanges: int, seed: int) -> NDArray[np.int64]:
    """Return ``(R, 6)`` totals after exchanging each unit's two halves with probability 1/2.

    Units on which the runs differ alike are exchanged together: of ``c`` such, Binomial(c, 1/2).
    """
    to_contender = units[:, 3:] - units[:, :3]
    moves = np.concatenate([to_contender, -to_contender], axis=1)
    distinct, frequency = np.unique(moves, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    num_exchanged = rng.binomial(frequency, 0.5, size=(num_exchanges, len(distinct)))
    return np.asarray(units.sum(axis=0) + num_exchanged @ distinct)


def _f1(totals: NDArray[np.int64]) -> NDArray[np.float64]:
    return precision_recall_f1(totals)[..., 2]


def _difference(totals: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return contender's less baseline's F1 ``(...)`` of totals ``(..., 6)``."""
    return _f1(totals[..., 3:]) - _f1(totals[..., :3])


def _p_value(extreme: NDArray[np.bool_]) -> float:
    return float((1 + extreme.sum()) / (1 + extreme.size))
