"""Measures of tasks 1a and 2: the positive class, at a cut and over all cuts, and calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smm4h_core.classify.probability import BoolArray, Prob, check_labels, check_prob
from smm4h_core.errors import DataError
from smm4h_core.evaluation.counts import CountRows, Score, precision_recall_f1, score_counts


def score_labels(gold: BoolArray, pred: BoolArray) -> Score:
    """Score labels ``(N,)`` as tasks 1a and 2 do: precision, recall and F1 of the positive class.

    Raises:
        DataError: labels that are not boolean, or lengths that disagree.
    """
    return score_counts(count_labels(gold, pred))


def count_labels(gold: BoolArray, pred: BoolArray) -> CountRows:
    """Return the posts' rows ``(N, 3)`` of (tp, fp, fn); a true negative is a row of zeros."""
    gold = check_labels(gold, "gold")
    pred = check_labels(pred, "pred", num_posts=len(gold))
    return np.stack([gold & pred, ~gold & pred, gold & ~pred], axis=1).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class PrCurve:
    """Precision and recall at every cut that makes a difference."""

    threshold: Prob
    """(K,) the distinct probs, falling; at cut ``k``, ``prob >= threshold[k]`` is positive."""
    counts: NDArray[np.int64]
    """(K, 3) tp, fp and fn of the corpus at each cut."""

    @property
    def precision(self) -> NDArray[np.float64]:
        """(K,) precision at each cut."""
        return precision_recall_f1(self.counts)[:, 0]

    @property
    def recall(self) -> NDArray[np.float64]:
        """(K,) recall at each cut, never falling; 1 at the last."""
        return precision_recall_f1(self.counts)[:, 1]

    @property
    def f1(self) -> NDArray[np.float64]:
        """(K,) F1 at each cut."""
        return precision_recall_f1(self.counts)[:, 2]


def pr_curve(gold: BoolArray, prob: Prob) -> PrCurve:
    """Count at every distinct prob, by one sort of ``gold`` and ``prob`` ``(N,)``.

    Equal probs stand on the same side of every cut, so the order of tied posts has no influence.

    Raises:
        DataError: shapes that disagree, an element that is no probability, or no positive label.
    """
    prob = check_prob(prob, "prob", ndim=1)
    gold = check_labels(gold, "gold", num_posts=len(prob))
    if not gold.any():
        raise DataError(f"gold: expected at least one positive, got none in {len(gold)} labels")
    order = np.argsort(-prob)
    falling = prob[order]
    last_of_tie = np.flatnonzero(np.diff(falling, append=-1.0))
    tp = np.cumsum(gold[order])[last_of_tie]
    counts = np.stack([tp, last_of_tie + 1 - tp, gold.sum() - tp], axis=1)
    return PrCurve(Prob(falling[last_of_tie]), counts.astype(np.int64))


def average_precision(gold: BoolArray, prob: Prob) -> float:
    """Return the area under the PR curve in steps: precision weighed by the gain in recall.

    No interpolation, which would be optimistic (Davis and Goadrich, ICML 2006).

    Raises:
        DataError: as `pr_curve`.
    """
    curve = pr_curve(gold, prob)
    return float(np.sum(np.diff(curve.recall, prepend=0.0) * curve.precision))


def expected_calibration_error(gold: BoolArray, prob: Prob, *, num_bins: int = 15) -> float:
    """Return the mean gap between prob and share of positives over equal-width bins.

    Naeini et al. (AAAI 2015), of the positive class's prob rather than of the likelier class's:
    where positives are rare, the latter mostly measures how well negatives are known. Bins are
    ``[k / num_bins, (k + 1) / num_bins)``, the last one closed, weighed by their posts.

    Raises:
        DataError: shapes that disagree, an element that is no probability, or no bin.
    """
    if num_bins < 1:
        raise DataError(f"num_bins: expected at least 1, got {num_bins}")
    prob = check_prob(prob, "prob", ndim=1)
    gold = check_labels(gold, "gold", num_posts=len(prob))
    bins = np.minimum((prob * num_bins).astype(np.int64), num_bins - 1)
    gap_by_bin = np.bincount(bins, weights=prob - gold, minlength=num_bins)
    return float(np.abs(gap_by_bin).sum() / len(prob))
