"""Logits and probs: two types, one sigmoid, one check.

A logit cut at 0.5 is a prob cut at 0.62, as the paper's code had it by mistake; here the
type checker and the range check both stand in the way.
"""

from __future__ import annotations

from typing import NewType, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from smm4h_core.errors import DataError

Logit = NewType("Logit", NDArray[np.float64])
"""What a network answers, before the sigmoid; any finite number."""
Prob = NewType("Prob", NDArray[np.float64])
"""Probability of the positive class, in [0, 1]."""
BoolArray: TypeAlias = NDArray[np.bool_]


def prob_from_logit(logit: Logit) -> Prob:
    """Apply the sigmoid, element by element, in float64.

    Raises:
        DataError: a logit is NaN or infinite; the message holds its index.
    """
    values = np.asarray(logit, dtype=np.float64)
    _refuse(~np.isfinite(values), values, "logit", "a finite number")
    return Prob(expit(values))


def check_prob(prob: ArrayLike, name: str, *, ndim: int) -> Prob:
    """Return ``prob`` as a C-contiguous float64 array of ``ndim`` axes, all in [0, 1].

    Raises:
        DataError: another number of axes, no element, or an element that is no probability; the
            message holds ``name`` and the element's index.
    """
    values = np.asarray(prob, dtype=np.float64, order="C")
    if values.ndim != ndim or values.size == 0:
        raise DataError(f"{name}: expected {ndim} non-empty axes, got shape {values.shape}")
    _refuse(~((values >= 0) & (values <= 1)), values, name, "a prob in [0, 1] (is it a logit?)")
    return Prob(values)


def check_labels(labels: ArrayLike, name: str, *, num_posts: int | None = None) -> BoolArray:
    """Return ``labels`` as an ``(N,)`` array of booleans.

    Raises:
        DataError: not boolean (0/1, -1/1 and strings are refused: which is positive would be a
            guess), not one axis, empty, or not ``num_posts`` long.
    """
    values = np.asarray(labels)
    if values.dtype != np.bool_ or values.ndim != 1 or values.size == 0:
        raise DataError(
            f"{name}: expected one non-empty axis of booleans, "
            f"got {values.dtype} of shape {values.shape}"
        )
    if num_posts is not None and len(values) != num_posts:
        raise DataError(f"{name}: expected {num_posts} labels, got {len(values)}")
    return values


def _refuse(bad: BoolArray, values: NDArray[np.float64], name: str, expected: str) -> None:
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"{name}[{', '.join(map(str, index))}] is {values[index]}: expected {expected} "
            f"({int(bad.sum())} of {bad.size} elements are not)"
        )
