from __future__ import annotations

import numpy as np
import pytest

from smm4h_core.search.importance import Dimension, measure_importance, score_range

DRAWS = np.random.default_rng(0)
RATES = tuple(float(rate) for rate in 10 ** DRAWS.uniform(-5, -2, 40))
POOLS = tuple(str(pool) for pool in DRAWS.choice(["mean", "max"], 40))
RATE = Dimension("rate", RATES, "log")
POOL = Dimension("pool", POOLS, "choice", ("mean", "max"))


def test_measure_importance_finds_what_the_scores_follow() -> None:
    scores = [0.7 - 0.1 * abs(np.log10(rate) + 3.5) for rate in RATES]
    measured = measure_importance([POOL, RATE], scores, seed=0)
    assert measured is not None
    importances, fit = measured
    assert [each.name for each in importances] == ["rate", "pool"]
    assert importances[0].mean > 10 * abs(importances[1].mean)
    assert fit > 0.6
    assert measure_importance([POOL, RATE], scores, seed=0) == measured


def test_measure_importance_reports_a_fit_of_nothing_for_chance() -> None:
    scores: list[float | None] = [float(score) for score in DRAWS.random(39)]
    measured = measure_importance([POOL, RATE], [*scores, None], seed=0)
    assert measured is not None
    assert measured[1] < 0.2


def test_measure_importance_needs_scores_and_something_that_varies() -> None:
    still = Dimension("epochs", (4,) * 40, "choice", (4,))
    assert measure_importance([still], [0.5] * 40, seed=0) is None
    assert measure_importance([RATE], [0.5] * 7 + [None] * 33, seed=0) is None


def test_dimension_positions_lie_by_ratio_by_place_or_nowhere() -> None:
    log = Dimension("rate", (1e-4, None, 1e-2, 1e-3), "log")
    assert log.positions() == pytest.approx([0, np.nan, 1, 0.5], nan_ok=True)
    mixed = Dimension("clip", (None, False, 0), "choice", (0, False))
    assert mixed.positions() == pytest.approx([np.nan, 1, 0], nan_ok=True)


def test_score_range_leaves_out_what_learnt_nothing() -> None:
    assert score_range(np.array([0.0, 0.7, 0.75, 0.8, np.nan])) == pytest.approx((0.575, 0.8))
    assert score_range(np.array([0.5, 0.5])) == pytest.approx((0.49, 0.51))
