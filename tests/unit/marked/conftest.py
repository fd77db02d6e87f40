"""Reports as the pipeline makes them, written by hand: no bundle finds just these."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smm4h_core.types import (
    AdeDecision,
    DrugMention,
    DrugTie,
    FoundMention,
    Link,
    Mention,
    Modifier,
    Post,
    Report,
    Span,
)

Answer = Callable[..., tuple[Post, Report]]


def found(
    text: str,
    *parts: str,
    context: tuple[Modifier, ...] = (),
    said_of: tuple[DrugTie, ...] = (),
    link: Link | None = None,
) -> FoundMention:
    """A mention of these words, each of which the text has after the last."""
    spans: list[Span] = []
    for part in parts:
        at = text.index(part, spans[-1].end if spans else 0)
        spans.append(Span(at, at + len(part)))
    hull = Span(spans[0].start, spans[-1].end)
    mention = Mention(hull, text[hull.start : hull.end], fragments=tuple(spans))
    return FoundMention(mention, 0.876, 9, 10, context, link, said_of)


def named(text: str, word: str) -> DrugMention:
    """The drug that a word of the text names."""
    at = text.index(word)
    return DrugMention(Span(at, at + len(word)), word, "quetiapine", None)


@pytest.fixture
def answer() -> Answer:
    """Makes a post with its report; ``drug`` is a word of it, mentions come from `found`."""

    def make(
        text: str, *mentions: FoundMention, drug: str = "", post_id: str = "17"
    ) -> tuple[Post, Report]:
        drugs = (named(text, drug),) if drug else ()
        decision = AdeDecision(0.9309, True, 10, 10)
        report = Report(post_id, "en", decision, drugs, "psytar@1", mentions)
        return Post(post_id, text, "en"), report

    return make
