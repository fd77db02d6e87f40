"""Names out of what the open dictionary took for one: wiki text cut at the wrong places.

Some of its names are pieces of an encyclopaedia's source: a brand with the footnote behind it, one
parameter of a template, several brands in a row, letters decoded as the wrong alphabet. What is
sure to be a name is cut out by rule; the rest yields none.
"""

from __future__ import annotations

import html
import re

_FOOTNOTE = re.compile(r"<ref[^>]*/>|<ref.*?(?:</ref>|$)|^.*</ref>")
_BREAK = re.compile(r"<br[^>]*>|;")
_PARAMETER = re.compile(r"^tradename\s*=")
_BRACKETS = re.compile(r"\[\[|\]\]|\}\}|^''+|''+$")
"""Of links and templates, and the quotes of italics; those inside a word count a ring's places."""
_MARKUP = re.compile(r"[{}<>=|*]|\.\.\.|&\w+;|^(?:template|draft|file|category):")
_CONJUNCTION = re.compile(r"^(?:and|or|with|plus|и|или)\s")
_GLUED_HEADING = re.compile(r"^other[a-z]{5}")
_GREEK = re.compile(r"\.(?:alpha|beta|gamma|delta|omega)\.")
"""A register's spelling, which no post has."""
_PAIRS = {")": "(", "]": "[", "}": "{"}
_LOWERED = str.maketrans("ãîï", "ÃÎÏ")
"""First bytes of two-byte letters, as Latin-1 shows them, after somebody made all letters small."""


def names_in(raw: str) -> tuple[str, ...]:
    """The names in what the dictionary has as one; none where it is markup alone."""
    text = _FOOTNOTE.sub(" ", html.unescape(html.unescape(_decode(raw))))
    parts = (_BRACKETS.sub("", _PARAMETER.sub("", part.strip())) for part in _BREAK.split(text))
    names = (part.strip().rstrip(",").strip() for part in parts)
    return tuple(name for name in names if name and is_plain(name))


def is_plain(name: str) -> bool:
    """Whether it may be a name: no markup, brackets in pairs, no beginning that lacks its own."""
    return (
        _MARKUP.search(name) is None
        and _CONJUNCTION.search(name) is None
        and _GLUED_HEADING.search(name) is None
        and _GREEK.search(name) is None
        and _is_balanced(name)
    )


def _decode(raw: str) -> str:
    """UTF-8 that was read as Latin-1, read again as what it is."""
    for text in (raw, raw.translate(_LOWERED)):
        if not text.isascii():
            try:
                return text.encode("latin-1").decode("utf-8")
            except UnicodeError:
                pass
    return raw


def _is_balanced(name: str) -> bool:
    opened: list[str] = []
    for letter in name:
        if letter in _PAIRS.values():
            opened.append(letter)
        elif letter in _PAIRS and (not opened or opened.pop() != _PAIRS[letter]):
            return False
    return not opened
