import math

import numpy as np
import pytest

from smm4h_core.classify.probability import Prob
from smm4h_core.errors import ConfigError
from smm4h_core.extract.calibrate import Calibration, fit_calibration
from smm4h_core.extract.decode import ScoredSpan
from smm4h_core.types import Span


def test_calibration_recovers_the_distortion_of_sure_probs() -> None:
    draw = np.random.default_rng(0)
    logit = draw.normal(size=5_000)
    is_right = draw.random(5_000) < 1 / (1 + np.exp(-(0.5 * logit - 0.3)))
    fitted = fit_calibration(Prob(1 / (1 + np.exp(-logit))), is_right)
    assert fitted.slope == pytest.approx(0.5, abs=0.07)
    assert fitted.intercept == pytest.approx(-0.3, abs=0.07)


def test_calibrated_probs_mean_what_they_say_on_their_data() -> None:
    draw = np.random.default_rng(1)
    prob = Prob(draw.uniform(0.5, 1, 500))
    is_right = draw.random(500) < prob**3
    fitted = fit_calibration(prob, is_right)
    mean = np.mean([fitted.prob(float(each)) for each in prob])
    assert mean == pytest.approx(is_right.mean(), abs=0.005)


@pytest.mark.parametrize("right", [True, False])
def test_fit_calibration_is_finite_where_all_are_right_or_none(right: bool) -> None:
    fitted = fit_calibration(Prob(np.array([0.9, 0.8, 1.0])), np.array([right] * 3))
    assert (fitted.prob(0.9) > 0.5) == right
    assert 0 < fitted.prob(0.9) < 1


@pytest.mark.parametrize(
    ("probs", "right"), [([0.9], [False]), ([0.9, 0.9, 0.2], [False, False, True])]
)
def test_fit_calibration_never_turns_the_order_round(probs: list[float], right: list[bool]) -> None:
    """Of one mention, and that wrong, a mention of prob 0 came out as surely right."""
    fitted = fit_calibration(Prob(np.array(probs)), np.array(right))
    num_right = sum(right)
    share = (
        num_right * (num_right + 1) / (num_right + 2)
        + (len(right) - num_right) / (len(right) - num_right + 2)
    ) / len(right)
    assert [fitted.prob(each) for each in (0.0, 0.5, 1.0)] == pytest.approx([share] * 3)


def test_calibration_is_monotone_and_the_identity_by_default() -> None:
    probs = [0.0, 1e-9, 0.2, 0.5, 0.99, 1.0]
    assert [Calibration().prob(each) for each in probs] == pytest.approx(probs, abs=2e-6)
    changed = [Calibration(0.4, -1).prob(each) for each in probs]
    assert changed == sorted(changed)
    assert Calibration(1, -1e4).prob(0.5) == 0.0


def test_apply_changes_nothing_but_probs() -> None:
    spans = (ScoredSpan(Span(0, 3), 0.5, 2), ScoredSpan(Span(5, 6), 0.9, 1))
    applied = Calibration(1.0, 1.0).apply(spans)
    assert [(e.span, e.votes) for e in applied] == [(e.span, e.votes) for e in spans]
    assert applied[0].prob == pytest.approx(1 / (1 + math.exp(-1)))


def test_calibration_refuses_numbers_that_are_none() -> None:
    with pytest.raises(ConfigError, match=r"calibration\.slope: expected a finite number, got nan"):
        Calibration(slope=math.nan)
