"""Spans to tags and back, over what posts hold: emoji, joiners, marks, two scripts, URLs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.extract.tags import (
    BEGIN,
    INSIDE,
    OUTSIDE,
    raw_span,
    read_tags,
    repair_tags,
    tag_mentions,
)
from smm4h_core.extract.words import find_words
from smm4h_core.text.normalise import Normalised, normalise
from smm4h_core.types import Mention, Span

O, B, I = OUTSIDE, BEGIN, INSIDE  # noqa: E741 - the tags' own names
CHUNKS = [
    "pain",
    "in",
    "боль",
    "бо\u0301ль",
    "é",
    "e\u0301",
    "x2",
    "🤮",
    "😩",
    "💉🏽",
    "1\ufe0f\u20e3",
]
CHUNKS += [
    "👨\u200d👩\u200d👧",
    "https://t.co/a1b2",
    "@bob",
    "&amp;",
    "#rash",
    "can't",
    "(ouch)",
    "…",
    "🇷🇺",
]
texts = st.lists(
    st.tuples(st.sampled_from(CHUNKS), st.sampled_from([" ", "", "  ", ", ", "\n"])), max_size=12
).map(lambda parts: "".join(chunk + gap for chunk, gap in parts))
modes = st.sampled_from(["map", "keep", "drop", "describe"])
posts = st.builds(
    lambda text, lang, emoji: normalise(text, lang=lang, emoji=emoji),
    texts,
    st.sampled_from(["en", "ru"]),
    modes,
)


def mention(start: int, end: int) -> Mention:
    return Mention(Span(start, end), "")


def tags_of(text: str, *spans: tuple[int, int]) -> list[int]:
    normalised = normalise(text, lang="en")
    mentions = [mention(*span) for span in spans]
    return tag_mentions(mentions, normalised, find_words(normalised.text)).tags.tolist()


@given(posts, st.data())
def test_mentions_at_word_borders_come_back_exactly(post: Normalised, data: st.DataObject) -> None:
    words = find_words(post.text)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(words)))))
    spans = [raw_span(post, words, a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    # Two words of one replaced stretch have but one place in the post as received.
    spans = [s for i, s in enumerate(spans) if not any(s.overlaps(other) for other in spans[:i])]
    gold = tag_mentions([Mention(span, "") for span in spans], post, words)
    assert (gold.num_moved, gold.num_wordless, gold.num_overlapping) == (0, 0, 0)
    assert [raw_span(post, words, *found) for found in read_tags(gold.tags)] == spans


@given(posts, st.data())
def test_any_mention_comes_back_as_the_words_it_touches(
    post: Normalised, data: st.DataObject
) -> None:
    if not post.raw:
        return
    start = data.draw(st.integers(0, len(post.raw) - 1))
    end = data.draw(st.integers(start + 1, len(post.raw)))
    words = find_words(post.text)
    gold = tag_mentions([mention(start, end)], post, words)
    back = [raw_span(post, words, *found) for found in read_tags(gold.tags)]
    assert len(back) + gold.num_wordless == 1
    assert gold.num_moved == (back != [Span(start, end)] and not gold.num_wordless)
    for span in back:
        assert span.overlaps(Span(start, end))


@given(st.lists(st.sampled_from([O, B, I])).map(lambda tags: np.array(tags, dtype=np.int64)))
def test_repair_tags_begins_a_mention_where_none_was(tags: np.ndarray) -> None:
    repaired = repair_tags(tags)
    assert (repaired[tags != I] == tags[tags != I]).all()
    assert ((repaired == O) == (tags == O)).all()
    for before, tag, fixed in zip([O, *tags], tags, repaired, strict=False):
        if tag == I:
            assert fixed == (B if before == O else I)
    assert (repair_tags(repaired) == repaired).all()
    assert read_tags(tags) == read_tags(repaired)


def test_read_tags_parts_neighbours_and_repairs() -> None:
    assert read_tags(np.array([B, B, I, O, I, I, O, B])) == [(0, 1), (1, 3), (4, 6), (7, 8)]


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("bad headaches now", (4, 12), [O, B, O]),  # half a word: the whole word
        ("so (nausea) yes", (3, 11), [O, B, O]),  # punctuation is left outside
        ("ouch😩 from http://a.com/b", (4, 5), [O, B, O, O]),
        ("memory-loss", (0, 11), [B, I]),
    ],
)
def test_tag_mentions_takes_the_words_touched(
    text: str, span: tuple[int, int], expected: list[int]
) -> None:
    assert tags_of(text, span) == expected


def test_tag_mentions_counts_what_tags_cannot_say() -> None:
    text = "pain in arms and legs :( headaches"
    post = normalise(text, lang="en")
    spans = [(0, 12), (0, 21), (17, 21), (22, 24), (25, 33), (0, 21)]
    gold = tag_mentions([mention(*span) for span in spans], post, find_words(text))
    assert gold.tags.tolist() == [B, I, I, I, I, B]  # the longest; the doubled one counts once
    assert (gold.num_moved, gold.num_wordless, gold.num_overlapping) == (1, 1, 2)


def test_tag_mentions_keeps_the_first_of_equally_long_ones() -> None:
    assert tags_of("a b c", (2, 5), (0, 3)) == [B, I, O]


def test_tag_mentions_takes_a_discontinuous_one_from_first_to_last_word() -> None:
    text = "pain in arms and legs"
    parts = (Span(0, 7), Span(17, 21))
    gold = tag_mentions(
        [Mention(Span(0, 21), "pain in legs", fragments=parts)],
        normalise(text, lang="en"),
        find_words(text),
    )
    assert gold.tags.tolist() == [B, I, I, I, I]
    assert gold.num_moved == 0
