"""How the members of an ensemble become one answer: majority vote, mean, logistic weighing.

A rule is fitted on dev predictions or, so that dev does not serve twice, on out-of-fold ones
(`smm4h_core.classify.out_of_fold`). It is nothing but numbers, so a bundle keeps it as JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol, TypeAlias, assert_never

import numpy as np
from numpy.typing import NDArray

from smm4h_core.classify.probability import (
    BoolArray,
    Logit,
    Prob,
    check_labels,
    check_prob,
    prob_from_logit,
)
from smm4h_core.errors import ConfigError, DataError
from smm4h_core.stored_rules import read_rule

Kind = Literal["majority", "mean", "logistic"]
Tie = Literal["positive", "negative"]

FIXED_THRESHOLD = 0.5
"""The paper's cut on every prob, a member's and the ensemble's."""


class Cut(Protocol):
    """A chosen threshold, as `smm4h_core.evaluation.thresholds.choose_threshold` returns it."""

    @property
    def value(self) -> float:
        """Cut on prob; at or above it is positive."""


ThresholdChooser: TypeAlias = Callable[[BoolArray, Prob], Cut]
"""Chooses a cut from gold labels ``(N,)`` and probs ``(N,)``."""


@dataclass(frozen=True, slots=True)
class MajorityVote:
    """Positive where more than half of the members vote so; the paper's first rule."""

    kind: Literal["majority"] = field(default="majority", init=False)
    """Tag in JSON."""
    member_thresholds: tuple[float, ...]
    """(E,) cut on each member's prob, in [0, 1]."""
    tie: Tie = "positive"
    """Answer when exactly half vote positive; positive as in the paper's code."""

    def __post_init__(self) -> None:
        """Raise ConfigError where a number does not fit."""
        _check_numbers("member_thresholds", self.member_thresholds, low=0, high=1)
        if self.tie not in ("positive", "negative"):
            raise ConfigError(f"tie: expected 'positive' or 'negative', got {self.tie!r}")

    @property
    def threshold(self) -> float:
        """Least share of votes that makes a positive."""
        num_members = len(self.member_thresholds)
        needed = (num_members + 1) // 2 if self.tie == "positive" else num_members // 2 + 1
        return needed / num_members


@dataclass(frozen=True, slots=True)
class MeanProb:
    """Positive where the mean of the members' probs reaches the threshold."""

    kind: Literal["mean"] = field(default="mean", init=False)
    """Tag in JSON."""
    member_thresholds: tuple[float, ...]
    """(E,) cut on each member's prob, in [0, 1]; only counts votes."""
    threshold: float = FIXED_THRESHOLD
    """Cut on the mean, in [0, 1]."""

    def __post_init__(self) -> None:
        """Raise ConfigError where a number does not fit."""
        _check_numbers("member_thresholds", self.member_thresholds, low=0, high=1)
        _check_numbers("threshold", (self.threshold,), low=0, high=1)


@dataclass(frozen=True, slots=True)
class LogisticWeighing:
    """Logistic regression on the members' probs; the paper's "sigmoid-based weighing"."""

    kind: Literal["logistic"] = field(default="logistic", init=False)
    """Tag in JSON."""
    member_thresholds: tuple[float, ...]
    """(E,) cut on each member's prob, in [0, 1]; only counts votes."""
    coef: tuple[float, ...]
    """(E,) weight of each member's prob."""
    intercept: float
    """Added to the weighed sum, before the sigmoid."""
    threshold: float = FIXED_THRESHOLD
    """Cut on the weighed prob, in [0, 1]."""

    def __post_init__(self) -> None:
        """Raise ConfigError where a number does not fit."""
        _check_numbers("member_thresholds", self.member_thresholds, low=0, high=1)
        _check_numbers("coef", self.coef)
        _check_numbers("intercept", (self.intercept,))
        _check_numbers("threshold", (self.threshold,), low=0, high=1)
        if len(self.coef) != len(self.member_thresholds):
            raise ConfigError(
                f"coef: expected {len(self.member_thresholds)} weights, got {len(self.coef)}"
            )


Rule: TypeAlias = MajorityVote | MeanProb | LogisticWeighing


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    """The ensemble's answers; ``label == (prob >= rule.threshold)`` under every rule."""

    prob: Prob
    """(N,) in [0, 1]. Of a majority vote: the share of votes, which takes E + 1 values and is not
    calibrated; the mean prob could stand on the other side of the decision."""
    label: BoolArray
    """(N,) the decision."""
    votes: NDArray[np.int64]
    """(N,) members whose own prob reaches their threshold."""


def combine(rule: Rule, probs: Prob) -> Combined:
    """Combine members' probs ``(N, E)``, in the order of members that the rule was fitted with.

    Raises:
        DataError: another number of members than the rule's, or an element that is no probability.
    """
    probs = check_prob(probs, "probs", ndim=2)
    num_members = len(rule.member_thresholds)
    if probs.shape[1] != num_members:
        raise DataError(f"probs: expected (N, {num_members}) for this rule, got {probs.shape}")
    votes = (probs >= np.array(rule.member_thresholds)).sum(axis=1, dtype=np.int64)
    match rule:
        case MajorityVote():
            prob = Prob(votes / num_members)
        case MeanProb():
            prob = Prob(probs.mean(axis=1))
        case LogisticWeighing():
            # Not `probs @ coef`: BLAS rounds a row differently with the number of rows, and a
            # batch of one must answer exactly as a batch of many.
            prob = prob_from_logit(Logit((probs * rule.coef).sum(axis=1) + rule.intercept))
        case _:
            assert_never(rule)
    return Combined(prob=prob, label=prob >= rule.threshold, votes=votes)


def fit_rule(
    kind: Kind,
    gold: BoolArray,
    probs: Prob,
    *,
    tie: Tie = "positive",
    inverse_penalty: float = 1.0,
    choose: ThresholdChooser | None = None,
    member_thresholds: Sequence[float] | None = None,
) -> Rule:
    """Fit a rule on dev or out-of-fold predictions.

    Args:
        kind: which rule.
        gold: (N,) labels.
        probs: (N, E) members' probs of the positive class.
        tie: what half of the votes mean; the majority vote's alone.
        inverse_penalty: scikit-learn's ``C``, smaller is more shrunken; the logistic weighing's
            alone. The paper does not give it: 1.0 is scikit-learn's default.
        choose: chooses every threshold, each member's and the ensemble's, on the same data; None
            fixes them at 0.5 as the paper does.
        member_thresholds: (E,) the members' cuts, where they are chosen already: a search joins the
            same members many times.

    Raises:
        DataError: shapes that disagree, an element that is no probability, or, for the logistic
            weighing, labels of one class only.
    """
    probs = check_prob(probs, "probs", ndim=2)
    gold = check_labels(gold, "gold", num_posts=len(probs))

    def cut(prob: NDArray[np.float64]) -> float:
        return FIXED_THRESHOLD if choose is None else float(choose(gold, Prob(prob)).value)

    cuts = tuple(member_thresholds or (cut(member) for member in probs.T))
    rule: MeanProb | LogisticWeighing
    match kind:
        case "majority":
            return MajorityVote(cuts, tie)
        case "mean":
            rule = MeanProb(cuts)
        case "logistic":
            rule = LogisticWeighing(cuts, *_fit_weights(gold, probs, inverse_penalty))
        case _:
            assert_never(kind)
    return replace(rule, threshold=cut(combine(rule, probs).prob))


def _fit_weights(
    gold: BoolArray, probs: Prob, inverse_penalty: float
) -> tuple[tuple[float, ...], float]:
    # Here, because serving combines and never fits: it should not wait for scikit-learn.
    from sklearn.linear_model import LogisticRegression

    if gold.all() or not gold.any():
        raise DataError(f"gold: expected both classes, got {len(gold)} labels {gold[0]}")
    # Few weights and many posts are what this solver is for; the default one stops short, by 0.08
    # in a weight of ten members on 20,000 posts.
    solver = LogisticRegression(
        C=inverse_penalty, solver="newton-cholesky", tol=1e-8, max_iter=1000
    )
    fitted = solver.fit(probs, gold)
    return tuple(float(weight) for weight in fitted.coef_[0]), float(fitted.intercept_[0])


def rule_to_json(rule: Rule) -> dict[str, object]:
    """Return the rule as an object of names and plain numbers."""
    return asdict(rule)


def rule_from_json(data: Mapping[str, Any]) -> Rule:
    """Read what `rule_to_json` wrote, to the last bit.

    Raises:
        BundleError: an unknown kind, a key missing or unknown, or a value that does not fit.
    """
    rules: dict[str, type[Rule]] = {
        "majority": MajorityVote,
        "mean": MeanProb,
        "logistic": LogisticWeighing,
    }
    return read_rule(data, rules, what="ensemble rule")


def _check_numbers(
    name: str, values: tuple[float, ...], *, low: float = -math.inf, high: float = math.inf
) -> None:
    if not isinstance(values, tuple) or not values:
        raise ConfigError(f"{name}: expected one number per member, got {values!r}")
    for value in values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number and math.isfinite(value) and low <= value <= high):
            raise ConfigError(f"{name}: expected finite numbers in [{low}, {high}], got {value!r}")
