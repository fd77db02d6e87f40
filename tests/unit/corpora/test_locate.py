"""A quotation is found where it stands, or in parts where its words stand in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.corpora.locate import MAX_FRAGMENTS, locate
from smm4h_core.types import Span


def found(quoted: str, text: str, taken: list[Span] | None = None) -> list[str]:
    return [text[part.start : part.end] for part in locate(quoted, text, taken or ())]


@pytest.mark.parametrize(
    ("quoted", "text", "parts"),
    [
        ("Dry  mouth", "terrible dry\nmouth today", ["dry\nmouth"]),
        ("сонливость", "Сильная СОНЛИВОСТЬ.", ["СОНЛИВОСТЬ"]),
        ("rash", "crashed, then a rash", ["rash"]),
        ("sleep", "sleepless", ["sleep"]),
        ("pain (bad)", "pain (bad) again", ["pain (bad)"]),
        ("pain legs", "pain in my arms and my legs", ["pain", "legs"]),
        ("weird dreams", "weird, vivid dreams", ["weird", "dreams"]),
        ("numb left arm", "numb hands, and my left arm", ["numb", "left arm"]),
        ("pain knee", "pain was gone, but pain in the knee", ["pain", "knee"]),
        ("dry-mouth", "dry mouth", ["dry mouth"]),
        ("can't sleep", "can't eat or sleep", ["can't", "sleep"]),
        ("sleep can't", "can't sleep", []),
        ("a b c d", "a x b x c x d", []),
        ("insomnia", "slept well", []),
        ("…", "well", []),
        (" ", "well", []),
    ],
)
def test_locate_finds_the_words(quoted: str, text: str, parts: list[str]) -> None:
    assert found(quoted, text) == parts


def test_locate_leaves_a_taken_place_to_its_owner() -> None:
    text = "back pain, and then pain"
    assert locate("pain", text) == (Span(5, 9),)
    assert locate("pain", text, [Span(0, 9)]) == (Span(20, 24),)
    assert locate("pain", text, [Span(0, 9), Span(20, 24)]) == (Span(5, 9),)


def test_locate_offsets_are_code_points_of_a_text_that_grows_in_small_letters() -> None:
    text = "İİ \U0001f634 SLEEPY"
    assert found("sleepy", text) == ["SLEEPY"]


WORDS = st.lists(st.sampled_from(["pain", "in", "my", "leg", "боль"]), min_size=1, max_size=8)


@given(WORDS, st.data())
def test_locate_answers_with_the_very_words_in_their_order(
    words: list[str], data: st.DataObject
) -> None:
    wanted = [word for word in words if data.draw(st.booleans())]
    parts = locate(" ".join(wanted), " ".join(words))
    assert len(parts) <= MAX_FRAGMENTS
    if parts:
        text = " ".join(words)
        assert " ".join(text[part.start : part.end] for part in parts).split() == wanted
        assert list(parts) == sorted(parts)
