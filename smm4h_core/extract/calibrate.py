"""Probs of mentions made to mean what they say, on development data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from smm4h_core.classify.probability import BoolArray, Prob, check_labels, check_prob
from smm4h_core.errors import ConfigError
from smm4h_core.extract.decode import ScoredSpan

EDGE = 1e-6
"""Probs are held this far from 0 and 1, where the logit has no value."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """``sigmoid(slope * logit(prob) + intercept)``; the identity unless fitted."""

    slope: float = 1.0
    """Below 1 where the network is too sure of itself."""
    intercept: float = 0.0
    """Below 0 where it takes too many mentions."""

    def __post_init__(self) -> None:
        for name, value in (("slope", self.slope), ("intercept", self.intercept)):
            if not math.isfinite(value):
                raise ConfigError(f"calibration.{name}: expected a finite number, got {value!r}")

    def apply(self, spans: Sequence[ScoredSpan]) -> tuple[ScoredSpan, ...]:
        """The same spans with calibrated probs."""
        return tuple(replace(each, prob=self.prob(each.prob)) for each in spans)

    def prob(self, prob: float) -> float:
        """One calibrated prob."""
        held = min(max(prob, EDGE), 1 - EDGE)
        logit = self.slope * math.log(held / (1 - held)) + self.intercept
        return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0


def fit_calibration(prob: Prob, is_right: BoolArray) -> Calibration:
    """Fit on predicted mentions of development data.

    Platt, "Probabilistic outputs for support vector machines" (1999), with his targets in place of
    0 and 1: they keep the fit finite where all mentions, or none, are right.

    Args:
        prob: ``(N,)`` as decoded.
        is_right: ``(N,)`` whether the very span is gold.
    """
    from sklearn.linear_model import LogisticRegression

    prob = check_prob(prob, "prob", ndim=1)
    is_right = check_labels(is_right, "is_right", num_posts=len(prob))
    held = np.clip(prob, EDGE, 1 - EDGE)
    num_right = int(is_right.sum())
    targets = np.where(is_right, (num_right + 1) / (num_right + 2), 1 / (len(prob) - num_right + 2))
    # Each mention stands twice, as right and as wrong, by the weight of its target.
    logits = np.log(held / (1 - held))[:, None]
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(
        np.concatenate([logits, logits]),
        np.repeat([1, 0], len(prob)),
        sample_weight=np.concatenate([targets, 1 - targets]),
    )
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope >= 0:
        return Calibration(slope, intercept)
    # A few mentions can make it seem that the surer is the less right, which is no reason to turn
    # their order round: the prob then tells nothing but how often mentions are right.
    share = float(targets.mean())
    return Calibration(0.0, math.log(share / (1 - share)))
