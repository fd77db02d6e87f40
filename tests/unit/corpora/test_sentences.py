"""Sentences by the stated rule, with exact offsets; mentions are neither cut nor lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.corpora.original import mention_of
from smm4h_core.corpora.sentences import find_sentences, join_sentences, split_documents
from smm4h_core.types import AnnotatedPost, Mention, Post, Span


def sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in find_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n ", []),
        ("no sleep", ["no sleep"]),
        ("so tired.it hurts", ["so tired.it hurts"]),
        ("So tired. it hurts!! Why? ", ["So tired.", "it hurts!!", "Why?"]),
        ("first line\n\n second line", ["first line", "second line"]),
        ('He said "stop." Then 2.5 mg.', ['He said "stop."', "Then 2.5 mg."]),
        ("Saw Dr. Smith, e.g. on Monday.", ["Saw Dr. Smith, e.g. on Monday."]),
        ("Nausea, etc. and more", ["Nausea, etc. and more"]),
        ("Nausea, etc. It went", ["Nausea, etc.", "It went"]),
        ("1. Take it\n2. Wait", ["1. Take it", "2. Wait"]),
        ("It was 2. Then 3", ["It was 2.", "Then 3"]),
        ("well... maybe", ["well... maybe"]),
        ("well… Maybe", ["well…", "Maybe"]),
        ("Пила 20 мг. утром. Помогло!", ["Пила 20 мг. утром.", "Помогло!"]),
        ("Пила 20 мг. Помогло", ["Пила 20 мг.", "Помогло"]),
        ("Боль, т.е. мигрень. А. Иванов", ["Боль, т.е. мигрень.", "А. Иванов"]),
        ("(Плохо.) Очень", ["(Плохо.)", "Очень"]),
    ],
)
def test_find_sentences_follows_its_rule(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


PIECES = st.lists(
    st.sampled_from(
        ["pain", "Dr", "мг", "т.е", ".", "...", "!", "?", "\n", " ", "\U0001f634", '"']
    ),
    max_size=20,
)


@given(PIECES)
def test_find_sentences_covers_every_character_that_is_no_blank(pieces: list[str]) -> None:
    text = "".join(pieces)
    spans = find_sentences(text)
    assert all(before.end <= after.start for before, after in pairwise(spans))
    assert all(text[span.start : span.end].strip() == text[span.start : span.end] for span in spans)
    outside = list(text)
    for span in spans:
        outside[span.start : span.end] = " " * (span.end - span.start)
    assert not "".join(outside).strip()


def test_split_documents_shifts_mentions_and_labels_sentences() -> None:
    text = "Took it. Pain in arms and legs! Fine now."
    parts = (Span(9, 13), Span(26, 30))
    document = AnnotatedPost(
        Post("c-1", text, "en"), True, (mention_of(parts, "Pain legs"),), group="c-1"
    )
    first, second, third = split_documents([document])
    assert [each.post.post_id for each in (first, second, third)] == ["c-1-1", "c-1-2", "c-1-3"]
    assert {each.group for each in (first, second, third)} == {"c-1"}
    assert [each.label for each in (first, second, third)] == [False, True, False]
    assert second.post == Post("c-1-2", "Pain in arms and legs!", "en")
    (mention,) = second.mentions
    assert (mention.span, mention.fragments) == (Span(0, 21), (Span(0, 4), Span(17, 21)))


def test_split_documents_keeps_together_what_a_mention_crosses() -> None:
    text = "Bad. Very bad.\nSad. So sad"
    mentions = (Mention(Span(10, 18), "bad.\nSad"), Mention(Span(19, 22), " So"))
    crossed = list(split_documents([AnnotatedPost(Post("1", text), True, mentions)]))
    assert [each.post.text for each in crossed] == ["Bad.", "Very bad.\nSad.", " So sad"]
    assert [each.mentions[0].span for each in crossed[1:]] == [Span(5, 13), Span(0, 3)]


def test_split_documents_leaves_labels_open_where_the_corpus_does() -> None:
    document = AnnotatedPost(Post("1", "Bad. Sad."), None, (Mention(Span(0, 3), "Bad"),))
    assert [each.label for each in split_documents([document])] == [None, None]


def test_split_documents_counts_a_drug_as_no_ade() -> None:
    document = AnnotatedPost(
        Post("1", "Aspirin."), False, (Mention(Span(0, 7), "Aspirin", "DRUG"),)
    )
    assert [each.label for each in split_documents([document])] == [False]


def test_join_sentences_makes_documents_whose_mentions_still_quote_them() -> None:
    rows = [("g-1", "No sleep.", "sleep"), ("g-1", "Pain too.", "Pain"), ("g-2", "Fine.", "")]
    posts = []
    for number, (group, text, quoted) in enumerate(rows):
        mentions = ()
        if quoted:
            start = text.index(quoted)
            mentions = (Mention(Span(start, start + len(quoted)), quoted),)
        post = Post(f"{group}-{number}", text, "en")
        posts.append(AnnotatedPost(post, bool(quoted), mentions, group))
    joined, fine = join_sentences(posts)
    assert joined.post == Post("g-1", "No sleep. Pain too.", "en")
    assert (joined.label, fine.label) == (True, False)
    assert [joined.post.text[m.span.start : m.span.end] for m in joined.mentions] == [
        "sleep",
        "Pain",
    ]
    assert (joined.group, fine.post.post_id) == ("g-1", "g-2")


def test_join_sentences_puts_a_document_together_that_lies_apart() -> None:
    ids = [("a", 10), ("b", 1), ("a", 9), ("b", 0), ("a", 1)]
    posts = [
        AnnotatedPost(Post(f"{group}-{number}", f"{group}{number}."), False, (), group)
        for group, number in ids
    ]
    assert [each.post for each in join_sentences(posts)] == [
        Post("a", "a1. a9. a10."),
        Post("b", "b0. b1."),
    ]


def test_split_documents_leaves_a_document_whole_where_told() -> None:
    documents = [AnnotatedPost(Post(name, "So sad. So bad."), True, ()) for name in ("1", "2")]
    split = list(split_documents(documents, whole={"2"}))
    assert [each.post.post_id for each in split] == ["1-1", "1-2", "2"]
    assert split[2] == documents[1]
