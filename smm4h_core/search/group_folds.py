"""Folds of posts whose groups stay whole, from what stored predictions hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from smm4h_core.classify.probability import BoolArray
from smm4h_core.corpora.shapes import group_of
from smm4h_core.errors import DataError


def cut_by_group(
    post_ids: Sequence[str],
    groups: Sequence[str | None],
    gold: BoolArray,
    *,
    num_folds: int,
    seed: int,
) -> NDArray[np.int64]:
    """Return the fold ``(N,)`` of each post; positives and posts are spread evenly.

    Groups go, those with most positives first and equal ones in random order, to the fold that has
    fewest positives, or fewest posts for a group without any.

    Raises:
        DataError: a fold gets no positive, or all of them.
    """
    names = [group or group_of(post_id) for post_id, group in zip(post_ids, groups, strict=True)]
    unit_of, num_units = _number(names)
    num_posts = np.bincount(unit_of, minlength=num_units)
    num_positives = np.bincount(unit_of, weights=gold, minlength=num_units).astype(np.int64)
    shuffled = np.random.default_rng(seed).permutation(num_units)
    order = np.lexsort((shuffled, -num_posts, -num_positives))
    fold_of_unit = np.empty(num_units, dtype=np.int64)
    posts, positives = [0] * num_folds, [0] * num_folds
    for unit in order.tolist():
        filled = positives if num_positives[unit] else posts
        fold = filled.index(min(filled))
        fold_of_unit[unit] = fold
        posts[fold] += int(num_posts[unit])
        positives[fold] += int(num_positives[unit])
    if min(positives) == 0 or max(positives) == sum(positives):
        raise DataError(
            f"expected positives of at least {num_folds} groups for {num_folds} folds, "
            f"got {int((num_positives > 0).sum())} such groups"
        )
    return fold_of_unit[unit_of]


def _number(names: Sequence[str]) -> tuple[NDArray[np.int64], int]:
    number_of = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([number_of[name] for name in names], dtype=np.int64), len(number_of)
