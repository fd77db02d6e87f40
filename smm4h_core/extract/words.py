"""A text's words, by one rule, and the word-piece of each that carries its tag.

A word is a run of letters and digits with the marks and invisible joiners on them, or a picture
(emoji, arrow, dingbat) with its tone and style. Punctuation is no word: it stands inside a mention
where words of the mention stand on both its sides, and never at its borders.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

Stretch: TypeAlias = tuple[int, int]
"""``[start, end)`` of a text that is not the post as received."""

_ON_A_LETTER = (
    "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # marks
    "\u00ad\u200b-\u200f\u2060\ufe0e\ufe0f\ufeff"  # invisible: soft hyphens, joiners, styles
)
_PICTURE = "\u2190-\u2bff\U0001f000-\U0001faff"
WORD = re.compile(
    rf"[^\W_](?:[^\W_]|[{_ON_A_LETTER}])*"
    rf"|[{_PICTURE}](?:[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]|\u200d[{_PICTURE}])*"
)
"""One word."""


def find_words(text: str) -> tuple[Stretch, ...]:
    """Where the words of a text stand, in order."""
    return tuple(match.span() for match in WORD.finditer(text))


def first_pieces(words: Sequence[Stretch], offsets: Sequence[Stretch]) -> list[int]:
    """The index of each word's first word-piece; -1 for a word that has none of its own.

    That is the first piece that quotes some of the word and that no word before has taken. A word
    has none where the encoding was truncated before it, where the tokeniser dropped its characters,
    or where one piece covers it and the word before.

    Args:
        words: Words in order.
        offsets: Places of word-pieces in the same text; those that quote nothing are passed over.
    """
    firsts: list[int] = []
    piece = 0
    for start, end in words:
        while piece < len(offsets) and (
            offsets[piece][1] <= start or offsets[piece][0] == offsets[piece][1]
        ):
            piece += 1
        if piece < len(offsets) and offsets[piece][0] < end:
            firsts.append(piece)
            piece += 1
        else:
            firsts.append(-1)
    return firsts
