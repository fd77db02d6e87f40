"""Rows of counts, and the three numbers made of them.

A row is one unit's ``(true positives, false positives, false negatives)``; a unit is a post, or a
group of posts. Every scorer makes ``(N, 3)`` rows, and scores, intervals and significance tests
all start from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from smm4h_core.errors import DataError

CountRows: TypeAlias = NDArray[np.int64]
"""(N, 3) of (tp, fp, fn) by unit, none negative."""


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 of the positive class, micro over the corpus."""

    precision: float
    """tp / (tp + fp); 0 where nothing was predicted."""
    recall: float
    """tp / (tp + fn); 0 where nothing was to be found."""
    f1: float
    """2 tp / (2 tp + fp + fn); 0 where there was nothing at all."""
    n: int
    """Posts scored."""
    true_positives: int
    """Positives found; for the official span scorer, matching pairs."""
    false_positives: int
    """Predictions without a match."""
    false_negatives: int
    """Golds without a match."""

    def numbers(self) -> dict[str, float]:
        """Return the three numbers by name."""
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1}


def score_counts(rows: CountRows) -> Score:
    """Sum rows ``(N, 3)`` over the corpus and score the sum.

    Raises:
        DataError: no rows, rows of another width, or a negative count.
    """
    totals = check_rows(rows, "rows").sum(axis=0)
    precision, recall, f1 = (float(number) for number in precision_recall_f1(totals))
    tp, fp, fn = (int(total) for total in totals)
    return Score(precision, recall, f1, len(rows), tp, fp, fn)


def precision_recall_f1(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ``(..., 3)`` precision, recall, F1 of ``(..., 3)`` counts.

    A number whose denominator is 0 is 0, as scikit-learn's ``zero_division=0`` has it.
    """
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    # One division of integers makes equal fractions equal floats: thresholds rely on it for ties.
    return np.stack(
        [_ratio(tp, tp + fp), _ratio(tp, tp + fn), _ratio(2 * tp, 2 * tp + fp + fn)], axis=-1
    )


def check_rows(rows: CountRows, name: str) -> CountRows:
    """Return ``rows`` when they are ``(N, 3)`` non-negative integers, N at least 1.

    Raises:
        DataError: they are not; the message holds ``name``.
    """
    if rows.ndim != 2 or rows.shape[1] != 3 or len(rows) == 0 or rows.dtype.kind not in "iu":
        raise DataError(
            f"{name}: expected integer counts (N, 3) of (tp, fp, fn), N at least 1, "
            f"got {rows.dtype} of shape {rows.shape}"
        )
    if (rows < 0).any():
        unit = int(np.argwhere(rows < 0)[0, 0])
        raise DataError(f"{name}[{unit}]: expected counts of at least 0, got {rows[unit].tolist()}")
    return rows


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole > 0)
