"""What the words about a mention say of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.extract.context import find_context, mark_context
from smm4h_core.types import FoundMention, Lang, Mention, Post, Span


def context_of(marked: str, lang: Lang = "en") -> tuple[str, ...]:
    """The context of the mention in brackets."""
    start, end = marked.index("["), marked.index("]") - 1
    text = marked.replace("[", "").replace("]", "")
    (found,) = find_context(text, [Span(start, end)], lang)
    return found


@pytest.mark.parametrize(
    ("marked", "wanted"),
    [
        ("No [headache], nausea or rash so far", ("negated",)),
        ("No headache, nausea or [rash] so far", ("negated",)),
        ("no appetite, [shivering], clammy hands", ()),
        ("I haven't had any [side effects]", ("negated",)),
        ("the [nausea] went away after a week", ("negated",)),
        ("[no sleep] for days", ()),
        ("not only [nausea] but also dizziness", ()),
        ("no headache but [dizzy] all day", ()),
        ("No headache. [Dizzy] all day", ()),
        ("I take it for my [depression] but it gave me headaches", ("indication",)),
        ("I take it for my depression but it gave me [headaches]", ()),
        ("took it for 2 months and [felt worse]", ()),
        ("does it cause [weight gain]?", ("hypothetical",)),
        ("has anyone had [hair loss]? I sleep badly", ("hypothetical",)),
        ("has anyone had hair loss? [I sleep badly]", ()),
        ("It might cause [seizures]", ("hypothetical",)),
        ("My mom had a [stroke] on it", ("other_person",)),
        ("years ago I had [panic attacks].", ("history",)),
        ("my husband was worried about [weight gain]", ("hypothetical", "other_person")),
        ("it made me [sleepy]", ()),
    ],
)
def test_context_of_english_mentions(marked: str, wanted: tuple[str, ...]) -> None:
    assert context_of(marked) == wanted


@pytest.mark.parametrize(
    ("marked", "wanted"),
    [
        ("никакой [тошноты] не заметила", ("negated",)),
        ("появилась [сыпь], но температуры не было", ()),
        ("появилась сыпь, но [температуры] не было", ("negated",)),
        ("не только [тошнота], но и рвота", ()),
        ("врач назначил от [давления]", ("indication",)),
        ("а вдруг будет [аллергия]", ("hypothetical",)),
        ("бывает ли от него [сонливость]?", ("hypothetical",)),
        ("у сына началась [рвота]", ()),
        ("у сына [рвота] весь день", ("other_person",)),
        ("раньше бывали [мигрени]", ("history",)),
        ("после него [болит голова]", ()),
    ],
)
def test_context_of_russian_mentions(marked: str, wanted: tuple[str, ...]) -> None:
    assert context_of(marked, "ru") == wanted


def test_context_reaches_so_far_and_no_further() -> None:
    assert context_of("no " + "very " * 7 + "[bad] dreams") == ("negated",)
    assert context_of("no " + "very " * 8 + "[bad] dreams") == ()


LETTERS = st.one_of(st.sampled_from(list("no ,.?нет\n")), st.characters(codec=None))


@given(st.text(LETTERS, max_size=60), st.data())
def test_context_of_any_text_and_any_span_is_told(text: str, data: st.DataObject) -> None:
    if not text:
        assert find_context(text, [], "en") == []
        return
    start = data.draw(st.integers(0, len(text) - 1))
    span = Span(start, data.draw(st.integers(start + 1, len(text))))
    for lang in ("en", "ru"):
        alone = find_context(text, [span], lang)
        assert find_context(text, [span, span], lang) == alone * 2


def test_mark_context_leaves_all_else_as_it_is() -> None:
    post = Post("1", "no rash, dizzy")
    mentions = [
        FoundMention(Mention(Span(3, 7), "rash"), 0.5, 1, 1),
        FoundMention(Mention(Span(9, 14), "dizzy"), 0.9, 1, 1),
    ]
    marked = mark_context(post, mentions)
    assert [each.context for each in marked] == [("negated",), ()]
    assert [(each.mention, each.prob) for each in marked] == [(m.mention, m.prob) for m in mentions]
