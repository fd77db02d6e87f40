"""Scorers of tasks 1b and 1c: the shared task's own, and a one-to-one matching beside it.

The *official* one counts matching pairs, so a prediction cut into three fragments finds its gold
three times, and spans that merely touch overlap. The *one-to-one* one pairs each gold with at most
one prediction, as many pairs as can be, and wants a code point in common. The official one knows
mentions in parts by their hull alone, as its files do; the other one by their parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeAlias, TypeVar

import numpy as np
from scipy.optimize import linear_sum_assignment

from smm4h_core.errors import DataError
from smm4h_core.evaluation.counts import CountRows, Score, score_counts
from smm4h_core.types import Mention

SpanTask = Literal["1b", "1c"]
Mentions: TypeAlias = Mapping[str, Sequence[Mention]]
"""Mentions by post id; empty for a post without any."""
Matches: TypeAlias = Callable[[Mention, Mention], bool]

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class ByStrictness(Generic[T]):
    """Something for relaxed and for strict matching."""

    relaxed: T
    """Overlapping, with equal type (and PT in 1c)."""
    strict: T
    """The same boundaries, with equal type (and PT in 1c)."""


@dataclass(frozen=True, slots=True)
class ByScorer(Generic[T]):
    """Something for each scorer and strictness."""

    official: ByStrictness[T]
    """By the shared task's scorer."""
    one_to_one: ByStrictness[T]
    """By the greatest one-to-one matching."""

    def map(self, function: Callable[[T], U]) -> ByScorer[U]:
        """Apply ``function`` to all four: rows to scores, to intervals, to JSON."""
        return ByScorer(
            ByStrictness(function(self.official.relaxed), function(self.official.strict)),
            ByStrictness(function(self.one_to_one.relaxed), function(self.one_to_one.strict)),
        )


def score_spans(gold: Mentions, pred: Mentions, *, task: SpanTask) -> ByScorer[Score]:
    """Score mentions, micro over the corpus; see `count_spans`."""
    return count_spans(gold, pred, task=task).map(score_counts)


def count_spans(gold: Mentions, pred: Mentions, *, task: SpanTask) -> ByScorer[CountRows]:
    """Return the posts' rows ``(N, 3)`` of (tp, fp, fn) by scorer, in the order of ``gold``.

    Source: the evaluation script of SMM4H 2022, taken to be 2021's. There ``tp`` counts matching
    pairs, ``fp`` predictions without a match, ``fn`` golds without one; exact duplicates count
    once. The one-to-one scorer also takes mentions that differ only in their quoted text as one.

    Args:
        gold: gold mentions of **every** post of the corpus, so that predictions in posts without
            an ADE count as false, and rows of several runs stand for the same posts.
        pred: predicted mentions; a post that is absent has none.
        task: 1c wants equal concepts (None equals None: NIL is an answer); 1b disregards them.

    Raises:
        DataError: a prediction for a post that ``gold`` does not have.
    """
    if unknown := [post_id for post_id in pred if post_id not in gold]:
        raise DataError(
            f"pred: expected posts among the {len(gold)} of gold, got post {unknown[0]!r} "
            f"({len(unknown)} such)"
        )
    posts = [
        (_answers(mentions, task), _answers(pred.get(post_id, ()), task))
        for post_id, mentions in gold.items()
    ]
    textless = [(_without_text(golds), _without_text(preds)) for golds, preds in posts]
    return ByScorer(
        official=ByStrictness(
            _rows(posts, _overlap_or_touch, _count_pairs),
            _rows(posts, _same_boundaries, _count_pairs),
        ),
        one_to_one=ByStrictness(
            _rows(textless, _overlap, _count_one_to_one),
            _rows(textless, same_stretch, _count_one_to_one),
        ),
    )


def _answers(mentions: Sequence[Mention], task: SpanTask) -> list[Mention]:
    if task == "1b":
        mentions = [replace(mention, concept_id=None) for mention in mentions]
    return list(dict.fromkeys(mentions))


def _without_text(mentions: Sequence[Mention]) -> list[Mention]:
    return list(dict.fromkeys(replace(mention, text="") for mention in mentions))


def _rows(
    posts: Sequence[tuple[list[Mention], list[Mention]]],
    matches: Matches,
    count: Callable[[int, int, list[tuple[int, int]]], tuple[int, int, int]],
) -> CountRows:
    rows = np.zeros((len(posts), 3), dtype=np.int64)
    for row, (golds, preds) in zip(rows, posts, strict=True):
        pairs = [
            (i, j)
            for i, gold in enumerate(golds)
            for j, pred in enumerate(preds)
            if gold.type == pred.type and gold.concept_id == pred.concept_id and matches(gold, pred)
        ]
        row[:] = count(len(golds), len(preds), pairs)
    return rows


def _overlap_or_touch(a: Mention, b: Mention) -> bool:
    """Whether the spans overlap with both ends inclusive, as the official script has it."""
    return a.span.start <= b.span.end and b.span.start <= a.span.end


def _overlap(a: Mention, b: Mention) -> bool:
    """Whether some code point is in both: of mentions in parts, not in what lies between them."""
    return any(one.overlaps(other) for one in a.parts for other in b.parts)


def same_stretch(a: Mention, b: Mention) -> bool:
    """Whether boundaries agree: those of the parts, or of the whole where one has no parts.

    The shared task's files cannot say parts, so that an answer in them is right by its hull.
    """
    in_parts = bool(a.fragments and b.fragments)
    return a.fragments == b.fragments if in_parts else a.span == b.span


def _same_boundaries(a: Mention, b: Mention) -> bool:
    return a.span == b.span


def _count_pairs(
    num_golds: int, num_preds: int, pairs: list[tuple[int, int]]
) -> tuple[int, int, int]:
    matched_golds = {i for i, _ in pairs}
    matched_preds = {j for _, j in pairs}
    return len(pairs), num_preds - len(matched_preds), num_golds - len(matched_golds)


def _count_one_to_one(
    num_golds: int, num_preds: int, pairs: list[tuple[int, int]]
) -> tuple[int, int, int]:
    if not pairs:
        return 0, num_preds, num_golds
    is_pair = np.zeros((num_golds, num_preds))
    is_pair[tuple(zip(*pairs, strict=True))] = 1
    tp = int(is_pair[linear_sum_assignment(is_pair, maximize=True)].sum())
    return tp, num_preds - tp, num_golds - tp
