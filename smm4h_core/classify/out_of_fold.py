"""Members of S seeds times F folds, seen as S members.

With several folds a seed stands for its F fold models together. A rule is fitted on one held-out
prob per post and seed (`out_of_fold`) and applied to the seed's mean over its folds
(`fold_mean`). Both estimate what seed ``s`` thinks of a post that it has not seen, on one scale, so
a weight or threshold of ``s`` keeps its meaning. Only the spread differs: a mean of F probs is a
little less extreme than each of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smm4h_core.classify.probability import Prob, check_prob
from smm4h_core.errors import DataError


def out_of_fold(probs: NDArray[np.float64], fold: NDArray[np.int64]) -> Prob:
    """Take for each post and seed the prob of the one fold model that did not train on it.

    Args:
        probs: (N, S, F) by post, seed and fold; NaN where a model did not answer.
        fold: (N,) the fold that held the post out, in ``[0, F)``, the same for every seed.

    Returns:
        (N, S) held-out probs, on which `smm4h_core.classify.ensemble.fit_rule` is to be fitted.

    Raises:
        DataError: shapes that disagree, an unknown fold, or a held-out prob that is missing.
    """
    if probs.ndim != 3 or fold.shape != probs.shape[:1]:
        raise DataError(f"expected probs (N, S, F), fold (N,), got {probs.shape}, {fold.shape}")
    unknown = np.flatnonzero((fold < 0) | (fold >= probs.shape[2]))
    if unknown.size:
        post = int(unknown[0])
        raise DataError(f"fold[{post}]: expected 0 to {probs.shape[2] - 1}, got {fold[post]}")
    held_out = np.take_along_axis(probs, fold[:, None, None], axis=2)[:, :, 0]
    return check_prob(held_out, "held-out probs", ndim=2)


def fold_mean(probs: Prob) -> Prob:
    """Return the mean over folds of ``(N, S, F)``: one prob per new post and seed, ``(N, S)``.

    Probs are averaged, not logits, because rules act on probs.

    Raises:
        DataError: another number of axes, or an element that is no probability.
    """
    return Prob(check_prob(probs, "probs", ndim=3).mean(axis=2))
