from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.extract.words import find_words, first_pieces

PIECES = [
    "pain",
    "боль",
    "é",
    "й",
    "😩",
    "💉🏽",
    "👨\u200d👩\u200d👧",
    "1\ufe0f\u20e3",
    "🇷🇺",
    "\u200d",
]
PIECES += ["\u0301", " ", "-", "'", ".", "#", "_", "\ud83d", "\n", "…", "½", "x2"]
texts = st.lists(st.sampled_from(PIECES)).map("".join)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I can't sleep!!", ["I", "can", "t", "sleep"]),
        ("short-term (memory)", ["short", "term", "memory"]),
        ("боли\u0301т кафе\u0301", ["боли\u0301т", "кафе\u0301"]),
        ("so 🤮🤮 #weight_gain", ["so", "🤮", "🤮", "weight", "gain"]),
        ("💉🏽 👨\u200d👩\u200d👧 1\ufe0f\u20e3", ["💉🏽", "👨\u200d👩\u200d👧", "1\ufe0f\u20e3"]),
        ("\u0301 \u200d … — _", []),
    ],
)
def test_find_words_by_the_one_rule(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in find_words(text)] == words


@given(texts)
def test_find_words_are_in_order_apart_and_hold_every_letter(text: str) -> None:
    words = find_words(text)
    ends = [0, *(i for word in words for i in word), len(text)]
    assert ends == sorted(ends)
    assert all(start < end for start, end in words)
    gaps = "".join(text[a:b] for a, b in zip(ends[::2], ends[1::2], strict=True))
    assert not any(char.isalnum() for char in gaps)


@given(texts, st.data())
def test_first_pieces_are_of_their_words_and_never_shared(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))) | {0, len(text)})
    offsets = [*pairwise(cuts)]
    offsets = [(0, 0), *offsets, (len(text), len(text))]  # special tokens quote nothing
    words = find_words(text)
    firsts = first_pieces(words, offsets)
    taken = [piece for piece in firsts if piece >= 0]
    assert taken == sorted(set(taken))
    for (start, end), piece in zip(words, firsts, strict=True):
        if piece >= 0:
            assert offsets[piece][0] < end and start < offsets[piece][1]
        else:  # whatever covers it already belongs to the word before
            covering = [i for i, (a, b) in enumerate(offsets) if a < end and start < b]
            assert set(covering) <= set(taken)


def test_first_pieces_of_words_cut_by_truncation_are_missing() -> None:
    assert first_pieces(find_words("one two three"), [(0, 0), (0, 3), (4, 5), (0, 0)]) == [1, 2, -1]


def test_first_pieces_of_two_words_in_one_piece_go_to_the_first() -> None:
    assert first_pieces([(0, 1), (2, 3), (3, 4)], [(0, 3), (3, 4)]) == [0, -1, 1]
