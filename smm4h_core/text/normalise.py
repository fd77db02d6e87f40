"""A post made ready for an encoder, with the way back to the post as received.

The four steps are those of the KFU NLP system (SMM4H 2021): every URL becomes ``link``, every user
mention ``@username``, some emoji become words, and the characters that Twitter escapes (``&amp;``)
are unescaped. All else stays, whitespace and ill-formed characters included.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, get_args

from smm4h_core.text.emoji_words import EMOJI_WORDS, EmojiMode, emoji_regex, emoji_word
from smm4h_core.types import Lang

Stretches = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Normalised:
    """A normalised post and its offset map; offsets are code points, ends exclusive.

    Both projections follow one rule: an untouched character maps to itself, and an end inside a
    replaced stretch moves outwards to that stretch's own end, so that it is taken whole.
    """

    text: str
    """The text that encoders read."""
    raw: str
    """The post as received."""
    replaced: Stretches = ()
    """The ``[start, end)`` stretches of ``raw`` that were replaced, in order, none empty."""
    replacements: Stretches = ()
    """Where each one's replacement stands in ``text``; empty stretches for dropped emoji."""

    def to_raw(self, start: int, end: int) -> tuple[int, int]:
        """Project ``[start, end)`` of the normalised text onto the post as received.

        Raises:
            ValueError: The span is empty or reaches beyond the normalised text.
        """
        _check_span(start, end, len(self.text), "normalised text")
        return _project(start, end, self.replacements, self.replaced)

    def to_normalised(self, start: int, end: int) -> tuple[int, int]:
        """Project ``[start, end)`` of the post as received onto the normalised text.

        The answer is empty (equal ends) where the span holds nothing but dropped emoji.

        Raises:
            ValueError: The span is empty or reaches beyond the post.
        """
        _check_span(start, end, len(self.raw), "post")
        return _project(start, end, self.replaced, self.replacements)


def normalise(text: str, *, lang: Lang, emoji: EmojiMode = "map") -> Normalised:
    """Replace URLs, user mentions, emoji and escaped characters, and keep the offset map.

    A word put in never runs into a letter, digit or symbol beside it ("ouch😩😩" becomes "ouch
    crying crying"); the space belongs to the replacement. A dropped emoji leaves one space where it
    alone parted two words. Escapes are undone however often they were escaped.

    Args:
        text: The post as received.
        lang: Language of the words that stand for emoji.
        emoji: ``map`` (table emoji to words, others kept), ``keep`` (none touched), ``drop`` (all
            removed) or ``describe`` (all named, by the ``emoji`` package's names in ``lang``).

    Raises:
        ValueError: An unknown language or mode.
    """
    if lang not in EMOJI_WORDS:
        raise ValueError(f"expected lang to be one of {', '.join(EMOJI_WORDS)}, got {lang!r}")
    if emoji not in _EMOJI_MODES:
        raise ValueError(f"expected emoji to be one of {', '.join(_EMOJI_MODES)}, got {emoji!r}")
    if _TRIGGER.search(text) is None:
        return Normalised(text, text)
    return _replace(text, list(_find_replacements(text, lang, emoji)))


_EMOJI_MODES = get_args(EmojiMode)

# Every replacement holds one of these; most posts hold none and skip the costly pattern. Cyrillic
# and ordinary punctuation lie below U+203C, where nearly all that can begin an emoji starts.
_TRIGGER = re.compile(r"[@&©®\u203c-\U0010ffff]|://|\.[A-Za-zр]")
_CHUNK = re.compile(r"\S+")

_ESCAPES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "#39": "'"}

# A URL ends in a letter, a digit, one of /=#+~%$- or a balanced bracket: punctuation counts only
# before more of these, and an escaped quote or angle bracket ends the URL. The possessive
# quantifiers keep hostile posts linear.
_TAIL = (
    r"(?:(?:[.,:;!?'@*]|&(?:amp;)*+(?!(?:lt|gt|quot|\#39);))*+"
    r"(?:[\w/=#+~%$-]|\([^\s()]*+\)))++"
)
# Two-letter endings that are words or units in a list with slashes ("word.to/from", "mg.kg/day").
_NOT_COUNTRIES = "am|as|at|be|by|do|in|is|it|me|my|no|so|to|us|cm|hr|kg|mg|ml|mm"
_PATTERN = rf"""
(?P<url>
    (?:(?i:https?)://|(?<![\w@./-]))t\.co/[A-Za-z0-9]+      # letters after it are the post's own
  | pic\.twitter\.com/[A-Za-z0-9]+                          # often glued to the word before it
  | (?i:https?)://{_TAIL}
  | (?<![\w@./-])(?:
        (?i:www)\.{_TAIL}
      | (?:youtu\.be|fb\.me|t\.me|dlvr\.it|lnkd\.in|redd\.it|amzn\.to|wp\.me|instagr\.am)/{_TAIL}
      | (?!\w+pic\.twitter\.com/)(?:\w[\w-]*+\.)+(?:
            (?:com|net|org|edu|gov|ru|рф|co\.uk)(?![\w@-])(?::[0-9]+)?(?:[/?#]{_TAIL}|/)?
          | (?!(?:{_NOT_COUNTRIES})/)[a-z]{{2}}/{_TAIL}
        )
    )
)
| (?P<mention>(?:(?<![\w@])|(?<=\bRT))@(?!username\b)[A-Za-z0-9_]+)
| &(?:amp;)*(?P<escape>amp|lt|gt|quot|\#39);
"""


class _Replacement(NamedTuple):
    start: int
    end: int
    word: str
    is_word: bool  # kept apart from its neighbours


@cache
def _pattern(with_emoji: bool) -> re.Pattern[str]:
    emoji = f"|(?P<emoji>{emoji_regex()})" if with_emoji else ""
    return re.compile(_PATTERN + emoji, re.VERBOSE)


def _find_replacements(text: str, lang: Lang, emoji: EmojiMode) -> Iterator[_Replacement]:
    pattern = _pattern(with_emoji=emoji != "keep")
    for match in _search_chunks(pattern, text):
        start, end = match.span()
        if match.lastgroup == "url":
            yield _Replacement(start, end, "link", True)
        elif match.lastgroup == "mention":
            yield _Replacement(start, end, "@username", True)
        elif match.lastgroup == "escape":
            yield _Replacement(start, end, _ESCAPES[match["escape"]], False)
        elif (word := emoji_word(match[0], lang, emoji)) != match[0]:
            yield _Replacement(start, end, word, True)


def _search_chunks(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Matches in the stretches between whitespace that hold a trigger; none spans whitespace."""
    for chunk in _CHUNK.finditer(text):
        start, end = chunk.span()
        if _TRIGGER.search(text, start, end) is not None:
            yield from pattern.finditer(text, start, end)


def _replace(text: str, found: Sequence[_Replacement]) -> Normalised:
    pieces: list[str] = []
    replacements: list[tuple[int, int]] = []
    done = length = 0
    before = ""
    for index, (start, end, word, is_word) in enumerate(found):
        if start > done:
            pieces.append(text[done:start])
            length += start - done
            before = text[start - 1]
        if is_word:
            # Of two replacements in a row the second one brings the space.
            is_followed = index + 1 < len(found) and found[index + 1].start == end
            after = "" if is_followed else text[end : end + 1]
            word = _set_apart(word, before, after)
        pieces.append(word)
        replacements.append((length, length + len(word)))
        length += len(word)
        done = end
        before = word[-1:] or before
    pieces.append(text[done:])
    replaced = tuple((start, end) for start, end, _, _ in found)
    return Normalised("".join(pieces), text, replaced, tuple(replacements))


def _set_apart(word: str, before: str, after: str) -> str:
    if not word:
        return " " if _is_wordlike(before) and _is_wordlike(after) else ""
    return " " * _is_wordlike(before) + word + " " * _is_wordlike(after)


def _is_wordlike(char: str) -> bool:
    """Whether a word beside this character would run into it: letters, marks, digits, symbols."""
    return char != "" and (char in "_#@" or unicodedata.category(char)[0] in "LMNS")


def _check_span(start: int, end: int, length: int, what: str) -> None:
    if not 0 <= start < end <= length:
        raise ValueError(
            f"expected 0 <= start < end <= {length}, the length of the {what}, got [{start}, {end})"
        )


def _project(start: int, end: int, sources: Stretches, targets: Stretches) -> tuple[int, int]:
    """Carry a span from one text to the other, its ends moved outwards from replaced stretches."""
    new_start, new_end = start, end
    # A one-element tuple sorts before every pair that begins with it.
    if before := bisect_left(sources, (start + 1,)):
        source, target = sources[before - 1], targets[before - 1]
        new_start = target[0] if start < source[1] else target[1] + start - source[1]
    if before := bisect_left(sources, (end,)):
        source, target = sources[before - 1], targets[before - 1]
        new_end = target[1] + max(0, end - source[1])
    return new_start, new_end
