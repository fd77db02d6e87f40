"""Splits and folds that do not leak: groups and near-duplicates stay whole, labels balanced."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from smm4h_core.corpora.duplicates import connect, find_clusters
from smm4h_core.corpora.shapes import group_of
from smm4h_core.errors import ConfigError, DataError
from smm4h_core.types import AnnotatedPost, Lang

Stratum: TypeAlias = tuple[Lang | None, bool] | Literal["all"]
"""Language and label; ``all`` holds every post, so that parts keep their sizes as well."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A division of a corpus into parts."""

    part_of: tuple[int, ...]
    """The part of each post, from 0, in the order of the posts."""
    num_units: int
    """Sets of posts that had to stay whole."""
    num_near_duplicates: int
    """Posts that have a near-duplicate in the corpus; all of them stand in one part with it."""

    def select(self, posts: Sequence[AnnotatedPost], part: int) -> list[AnnotatedPost]:
        """Select the posts of one part, in their order."""
        return [post for post, own in zip(posts, self.part_of, strict=True) if own == part]


def split(posts: Sequence[AnnotatedPost], fractions: Sequence[float], seed: int) -> Partition:
    """Divide posts by fractions, stratified by language and label.

    Posts that share a group, or whose texts are near-duplicates, form a unit with all that these
    share in turn; no unit is parted. Units go, the largest first and equal ones in random order, to
    the part that then lies closest to its fraction of every stratum and of the whole (least
    chi-square). A post without a label counts by whether it has mentions.

    Args:
        posts: The corpus.
        fractions: Shares of the parts; they sum to 1.
        seed: Seed of the order of equal units; the same seed gives the same parts.

    Raises:
        ValueError: the fractions are not positive or do not sum to 1.
        ConfigError: the seed is negative.
        DataError: there are too few units to fill every part.
    """
    if not fractions or min(fractions) <= 0 or not math.isclose(sum(fractions), 1):
        raise ValueError(f"expected positive fractions that sum to 1, got {list(fractions)}")
    if seed < 0:
        raise ConfigError(f"seed: expected 0 or more, got {seed}")
    clusters = find_clusters([annotated.post.text for annotated in posts])
    units = _join(posts, clusters)
    part_of_unit = _assign(_count_strata(posts, units), fractions, seed)
    missing = len(fractions) - len(set(part_of_unit))
    if missing:
        raise DataError(
            f"expected enough independent groups of posts for {len(fractions)} parts, "
            f"got {len(part_of_unit)} that leave {missing} empty"
        )
    sizes = Counter(clusters)
    return Partition(
        part_of=tuple(part_of_unit[unit] for unit in units),
        num_units=len(part_of_unit),
        num_near_duplicates=sum(size for size in sizes.values() if size > 1),
    )


def folds(posts: Sequence[AnnotatedPost], num_folds: int, seed: int) -> Partition:
    """Divide posts into folds of equal size, as :func:`split` does.

    Raises:
        ValueError: there are fewer than two folds.
        DataError: there are too few units to fill every fold.
    """
    if num_folds < 2:
        raise ValueError(f"expected at least 2 folds, got {num_folds}")
    return split(posts, [1 / num_folds] * num_folds, seed)


def _join(posts: Sequence[AnnotatedPost], clusters: Sequence[int]) -> list[int]:
    num_posts = len(posts)
    nodes: dict[str | int, int] = {}
    pairs = []
    for number, (annotated, cluster) in enumerate(zip(posts, clusters, strict=True)):
        for key in (annotated.group or group_of(annotated.post.post_id), cluster):
            pairs.append((number, nodes.setdefault(key, num_posts + len(nodes))))
    return connect(pairs, range(num_posts), num_posts + len(nodes))


def _count_strata(posts: Sequence[AnnotatedPost], units: Sequence[int]) -> list[dict[Stratum, int]]:
    counts: defaultdict[int, Counter[Stratum]] = defaultdict(Counter)
    for annotated, unit in zip(posts, units, strict=True):
        positive = bool(annotated.mentions) if annotated.label is None else annotated.label
        counts[unit].update(["all", (annotated.post.lang, positive)])
    return [counts[unit] for unit in range(len(counts))]


def _assign(
    counts: Sequence[dict[Stratum, int]], fractions: Sequence[float], seed: int
) -> list[int]:
    totals: Counter[Stratum] = Counter()
    for count in counts:
        totals.update(count)
    order = np.random.default_rng(seed).permutation(len(counts)).tolist()
    order.sort(key=lambda unit: -counts[unit]["all"])
    filled = [dict.fromkeys(totals, 0.0) for _ in fractions]
    parts = [0] * len(counts)
    for unit in order:
        shares = {stratum: count / totals[stratum] for stratum, count in counts[unit].items()}
        growths = [_growth(*part, shares) for part in zip(fractions, filled, strict=True)]
        best = growths.index(min(growths))
        parts[unit] = best
        for stratum, share in shares.items():
            filled[best][stratum] += share
    return parts


def _growth(
    fraction: float, filled: Mapping[Stratum, float], shares: Mapping[Stratum, float]
) -> float:
    """What chi-square, the sum of ``(filled - fraction)**2 / fraction``, gains by these shares."""
    gains = (share * (2 * (filled[key] - fraction) + share) for key, share in shares.items())
    return sum(gains) / fraction
