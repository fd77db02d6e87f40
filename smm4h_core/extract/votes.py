"""Ensembles of taggers by votes on spans."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smm4h_core.errors import ConfigError, DataError
from smm4h_core.extract.decode import ScoredSpan, drop_overlaps
from smm4h_core.types import Span

PostSpans = Sequence[tuple[ScoredSpan, ...]]
"""One member's mentions, post by post."""


def vote_spans(members: Sequence[PostSpans], *, min_votes: int) -> list[tuple[ScoredSpan, ...]]:
    """Each post's spans that at least ``min_votes`` members say with the very same boundaries.

    A span's prob is the mean over all members, in which one that does not say it counts as zero.
    Where two such spans overlap, `drop_overlaps` keeps one.

    Raises:
        ConfigError: ``min_votes`` is not a number of members.
        DataError: members that answer other numbers of posts.
    """
    if not 1 <= min_votes <= len(members):
        raise ConfigError(f"min_votes: expected 1 to {len(members)}, the members; got {min_votes}")
    if len({len(member) for member in members}) != 1:
        raise DataError(f"expected members with equal posts, got {[len(m) for m in members]}")
    return [_vote(by_member, min_votes) for by_member in zip(*members, strict=True)]


def choose_min_votes(
    members: Sequence[PostSpans], score: Callable[[list[tuple[ScoredSpan, ...]]], float]
) -> int:
    """The threshold on votes whose answers score highest on development data.

    Of equals the one nearest to half of the members, then the greater: dev data tell little apart.
    """
    half = len(members) / 2
    choices = range(1, len(members) + 1)
    return max(choices, key=lambda n: (score(vote_spans(members, min_votes=n)), -abs(n - half), n))


def _vote(by_member: Sequence[tuple[ScoredSpan, ...]], min_votes: int) -> tuple[ScoredSpan, ...]:
    probs: dict[Span, list[float]] = {}
    for spans in by_member:
        for each in spans:
            probs.setdefault(each.span, []).append(each.prob)
    return drop_overlaps(
        [
            ScoredSpan(span, sum(said) / len(by_member), len(said))
            for span, said in probs.items()
            if len(said) >= min_votes
        ]
    )
