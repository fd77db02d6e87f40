"""Fit a rule of combination on development mentions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from smm4h_core.errors import DataError
from smm4h_core.link.combine import (
    DistanceRule,
    LearnedRule,
    LinkRule,
    Proposals,
    RuleKind,
    learned_candidates,
)
from smm4h_core.link.features import pair_features
from smm4h_core.types import Candidate

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


def fit_link_rule(
    kind: RuleKind,
    gold: Sequence[str | None],
    proposals: Sequence[Proposals],
    *,
    inverse_penalty: float = 1.0,
) -> LinkRule:
    """Fit a rule on development mentions.

    Args:
        kind: Which rule.
        gold: Each mention's concept; None where it has none, and NIL is right.
        proposals: What was proposed for each.
        inverse_penalty: scikit-learn's ``C``; the learned rule's alone.

    Raises:
        DataError: no mentions, lengths that disagree, or, for the learned rule, no proposed concept
            that is right or none that is wrong.
    """
    if not gold or len(gold) != len(proposals):
        raise DataError(f"gold: expected {len(proposals)} mentions, at least 1; got {len(gold)}")
    if kind == "distance":
        return choose_distance(gold, proposals)
    return _fit_learned(gold, proposals, inverse_penalty)


def choose_distance(gold: Sequence[str | None], proposals: Sequence[Proposals]) -> DistanceRule:
    """The distance below which similarity answers that is right most often on these mentions.

    A cut lies midway between two distances; of equally good ones the greatest counts, because the
    classifier knows training's concepts alone. Where mentions without a concept are among them, a
    second cut for NIL is chosen so.
    """
    nearest = [p.similarity[0] if p.similarity else None for p in proposals]
    surest = [p.classifier[0] if p.classifier else None for p in proposals]
    distances = np.array([np.inf if c is None else -c.score for c in nearest])
    probs = np.array([0.0 if c is None else c.score for c in surest])
    by_near, by_sure = _is_right(nearest, gold), _is_right(surest, gold)
    has_none = np.array([c is None for c in surest])
    is_nil = np.array([concept_id is None for concept_id in gold])
    # Beyond the cut NIL is still to come, and without a classifier similarity's own answer.
    beyond = np.where(has_none, by_near, by_sure) | is_nil
    threshold = _best_cut(distances, by_near, beyond)
    if not is_nil.any():
        return DistanceRule(threshold)
    nil_prob, nil_distance = 0.0, None
    far = distances >= threshold
    asked = far & ~has_none
    if asked.any():
        nil_prob = _best_prob_cut(probs[asked], by_sure[asked], is_nil[asked])
    left = far & (has_none | (probs < nil_prob))
    if left.any():
        nil_distance = _best_cut(distances[left], by_near[left], is_nil[left])
    return DistanceRule(threshold, nil_distance, nil_prob)


def _is_right(answers: Sequence[Candidate | None], gold: Sequence[str | None]) -> Flags:
    pairs = zip(answers, gold, strict=True)
    return np.array([each is not None and each.concept_id == wanted for each, wanted in pairs])


def _best_cut(values: Numbers, right_below: Flags, right_above: Flags) -> float:
    """The cut that makes most right, where values below it count by one and the rest by another."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    finite = ordered[np.isfinite(ordered)]
    if not len(finite):
        return 0.0
    gain = right_below[order].astype(np.int64) - right_above[order]
    gains = np.concatenate([[0], np.cumsum(gain)])
    # A cut can stand where neighbours differ, before the first and behind the last.
    places = [0, *(np.flatnonzero(np.diff(finite) > 0) + 1).tolist(), len(finite)]
    best = max(places, key=lambda place: (gains[place], place))
    if best == 0:
        return float(finite[0])
    if best == len(finite):
        return float(np.nextafter(finite[-1], np.inf))
    return float((finite[best - 1] + finite[best]) / 2)


def _best_prob_cut(probs: Numbers, right_above: Flags, right_below: Flags) -> float:
    """The prob at or above which an answer counts; the other way round from a distance."""
    cut = -_best_cut(-probs, right_above, right_below)
    return float(np.clip(np.nextafter(cut, np.inf), 0.0, 1.0))


def _fit_learned(
    gold: Sequence[str | None], proposals: Sequence[Proposals], inverse_penalty: float
) -> LearnedRule:
    # Here, because serving combines and never fits: it should not wait for scikit-learn.
    from sklearn.linear_model import LogisticRegression

    rows: list[tuple[float, ...]] = []
    right: list[bool] = []
    for concept_id, each in zip(gold, proposals, strict=True):
        known = pair_features(each.similarity, each.classifier, each.lexical)
        rows += known.values()
        right += [proposed == concept_id for proposed in known]
    if not any(right) or all(right):
        raise DataError(
            f"proposals: expected right and wrong concepts, got {sum(right)} right of {len(right)} "
            f"(ensemble.rule: distance can be chosen on such)"
        )
    fitted = LogisticRegression(
        C=inverse_penalty, solver="newton-cholesky", tol=1e-8, max_iter=1000
    ).fit(np.array(rows), np.array(right))
    rule = LearnedRule(tuple(float(w) for w in fitted.coef_[0]), float(fitted.intercept_[0]))
    return LearnedRule(rule.coef, rule.intercept, _choose_nil(rule, gold, proposals))


def _choose_nil(
    rule: LearnedRule, gold: Sequence[str | None], proposals: Sequence[Proposals]
) -> float:
    """The prob below which NIL is right more often than the best candidate."""
    is_nil = np.array([concept_id is None for concept_id in gold])
    if not is_nil.any():
        return 0.0  # every mention has a concept: NIL would only lose
    ranked = [learned_candidates(rule, each, num_candidates=1) for each in proposals]
    best = [each[0] if each else None for each in ranked]
    probs = np.array([0.0 if each is None else each.score for each in best])
    return _best_prob_cut(probs, _is_right(best, gold), is_nil)
