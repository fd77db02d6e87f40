"""The threshold of greatest F1, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smm4h_core.classify.probability import BoolArray, Prob
from smm4h_core.evaluation.classification import pr_curve
from smm4h_core.evaluation.counts import Score, precision_recall_f1


@dataclass(frozen=True, slots=True)
class Threshold:
    """A cut on prob, with what it scores on the data it was chosen on."""

    value: float
    """At or above it is positive; in [0, 1]."""
    margin: float
    """Half the gap between the probs on either side of it."""
    score: Score
    """Score at the cut on the same data, hence optimistic: never a result."""


def choose_threshold(gold: BoolArray, prob: Prob) -> Threshold:
    """Choose the cut of greatest F1 under ``prob >= value``, from ``(N,)`` labels and probs.

    Exact: one sort, then every cut between two distinct probs is tried. The value lies midway
    between its two neighbours, since a new post's prob falls near an old one as easily above as
    below it, and a cut on an observed prob would flip with rounding. Below the lowest prob the
    neighbour is 0. Of cuts with equal F1 the one in the widest gap is taken, which small shifts of
    prob touch least; of equal gaps, the highest.

    Raises:
        DataError: shapes that disagree, an element that is no probability, or no positive label
            (every cut then has F1 0, and none is better than another).
    """
    curve = pr_curve(gold, prob)
    below = np.append(curve.threshold[1:], 0.0)
    gap = curve.threshold - below
    f1 = curve.f1
    best = int(np.argmax(np.where(f1 == f1.max(), gap, -1.0)))
    upper, lower = float(curve.threshold[best]), float(below[best])
    middle = (lower + upper) / 2
    precision, recall, best_f1 = (float(x) for x in precision_recall_f1(curve.counts[best]))
    tp, fp, fn = (int(count) for count in curve.counts[best])
    return Threshold(
        # Between neighbouring floats the middle rounds to one of them, perhaps to the excluded one.
        value=middle if middle > lower else upper,
        margin=float(gap[best]) / 2,
        score=Score(precision, recall, best_f1, len(gold), tp, fp, fn),
    )
