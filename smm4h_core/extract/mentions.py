"""From an ensemble's spans to the mentions of a report."""

from __future__ import annotations

from collections.abc import Sequence

from smm4h_core.extract.coordination import split_coordination
from smm4h_core.extract.decode import ScoredSpan, to_mention
from smm4h_core.extract.dictionary import TermMatcher
from smm4h_core.types import FoundMention


def quote_spans(
    spans: Sequence[ScoredSpan],
    text: str,
    *,
    num_members: int,
    take_apart: bool,
    terms: TermMatcher | None,
) -> tuple[FoundMention, ...]:
    """A post's mentions with their words, in order of appearance.

    Args:
        spans: The ensemble's.
        text: The post as received.
        num_members: Members that answered.
        take_apart: Whether coordinations become mentions of their own, of the whole's prob.
        terms: Effects by themselves, which are never taken apart.
    """
    found = []
    for each in spans:
        whole = to_mention(each, text)
        parts = split_coordination(whole, text, terms) if take_apart else (whole,)
        found += [FoundMention(part, each.prob, each.votes, num_members) for part in parts]
    return tuple(found)
