"""Emoji in a post: where they stand, and the words that take their place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Literal

from smm4h_core.types import Lang

EmojiMode = Literal["map", "keep", "drop", "describe"]

_ROWS = (
    ("💉", "injection", "укол"),
    ("💀", "skeleton", "череп"),
    ("💊", "pill", "таблетка"),
    ("🔬", "microscope", "микроскоп"),
    ("💤😪", "sleep", "сон"),
    ("😴", "sleeping", "сон"),
    ("🚬", "cigarette", "сигарета"),
    ("😂😆", "laughing", "смешно"),
    ("😾😤😡", "angry", "гнев"),
    ("😩", "crying", "плач"),
    ("😨😰", "fear", "страшно"),
    ("💩", "shit", "дерьмо"),
)

EMOJI_WORDS: Mapping[Lang, Mapping[str, str]] = {
    "en": {char: english for chars, english, _ in _ROWS for char in chars},
    "ru": {char: russian for chars, _, russian in _ROWS for char in chars},
}
"""The emoji that bear on health or mood and their words (KFU NLP system, SMM4H 2021)."""

_TONES = "\U0001f3fb-\U0001f3ff"
_FLAG_LETTERS = "\U0001f1e6-\U0001f1ff"
_TAGS = "\U000e0020-\U000e007f"
_MARKS = f"\ufe0f*[{_TONES}]?\ufe0f*[{_TAGS}]*"
_TONE_OR_STYLE = re.compile(f"[\ufe0f{_TONES}]")
_NAMELESS = re.compile(f"[\u200d\ufe0f{_TAGS}]")

_JOINER = "\u200d"
# `demojize` takes time by the square of a chain's length, so a longer chain is named in pieces. No
# emoji with a name joins more than four.
_MAX_JOINED = 16


@cache
def emoji_regex() -> str:
    """The regular expression of one emoji as a reader sees it, however many code points it has.

    Which characters are emoji is read from the ``emoji`` package; how they join into one (tones,
    keycaps, flags, tags, zero-width joiners) is the grammar of Unicode Technical Standard 51,
    section 1.4.9. A character followed by U+FE0E asks to be shown as text and is not an emoji.
    """
    # Imported here because the package parses a table of 5,000 rows on import (40 ms).
    from emoji import EMOJI_DATA

    firsts = {sequence[0] for sequence in EMOJI_DATA if not sequence[0].isascii()}
    firsts -= {chr(code) for code in range(ord(_FLAG_LETTERS[0]), ord(_FLAG_LETTERS[-1]) + 1)}
    # Below U+2300 stand ©, ®, ™ and arrows: signs of running text ("Seroquel®") unless U+FE0F asks.
    signs = "".join(sorted(char for char in firsts if char < "\u2300"))
    pictures = "".join(sorted(char for char in firsts if char >= "\u2300"))
    first = f"(?:[{pictures}](?!\ufe0e)|[{signs}](?=\ufe0f)){_MARKS}"
    joined = f"\u200d[{pictures}{signs}](?!\ufe0e){_MARKS}"
    return f"{first}(?:{joined})*|[{_FLAG_LETTERS}]{{2}}|[0-9#*]\ufe0f?\u20e3"


def emoji_word(emoji: str, lang: Lang, mode: EmojiMode) -> str:
    """What stands in place of one emoji: itself where the mode leaves it alone.

    ``map`` knows the twelve rows above, in any skin tone; every other emoji stays, because an
    encoder's own vocabulary may know it and nothing should be lost by not being listed.
    ``describe`` uses the ``emoji`` package's names in the language, for the listed ones too.
    """
    if mode == "keep":
        return emoji
    if mode == "drop":
        return ""
    if mode == "map":
        return EMOJI_WORDS[lang].get(_TONE_OR_STYLE.sub("", emoji), emoji)
    return _describe(emoji, lang)


def _describe(emoji: str, lang: Lang) -> str:
    """The name; a sequence without a name is named part by part."""
    joined = emoji.split(_JOINER)
    pieces = [
        _JOINER.join(joined[start : start + _MAX_JOINED])
        for start in range(0, len(joined), _MAX_JOINED)
    ]
    named = [_name(piece, lang) for piece in pieces]
    return emoji if named == pieces else " ".join(named)


@lru_cache(maxsize=4096)
def _name(emoji: str, lang: Lang) -> str:
    """The name with spaces for underscores; itself where nothing in it has a name."""
    from emoji import demojize

    named = demojize(emoji, delimiters=(" ", " "), language=lang)
    return emoji if named == emoji else " ".join(_NAMELESS.sub("", named).replace("_", " ").split())
