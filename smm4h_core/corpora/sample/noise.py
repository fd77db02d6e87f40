"""Noise as on Twitter, laid on pieces of text so that every span stays exact.

A post is a tuple of pieces; an annotated mention is one piece. Each step changes or adds pieces,
and offsets are counted once, at the end, over the finished pieces.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from smm4h_core.corpora.sample.draws import chance, draw_below, pick
from smm4h_core.corpora.sample.phrases import Mood, Slang
from smm4h_core.types import Mention, MentionType, Span

_LINK_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LONG_WORD = re.compile(r"[^\W\d_]{5,}")
_SENTENCE_START = re.compile(r"[.!?]\s+$")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a post; annotated as a whole or not at all."""

    text: str
    """Its characters; never empty."""
    type: MentionType | None = None
    """What it mentions; None for text between mentions."""
    concept_id: str | None = None
    """Concept of an ADE; None for drugs and for text between mentions."""


Pieces = tuple[Piece, ...]


def assemble(pieces: Pieces) -> tuple[str, tuple[Mention, ...]]:
    """Join pieces to the post's text and its mentions, offsets in code points of that text."""
    mentions = []
    start = 0
    for piece in pieces:
        end = start + len(piece.text)
        if piece.type is not None:
            mentions.append(Mention(Span(start, end), piece.text, piece.type, piece.concept_id))
        start = end
    return "".join(piece.text for piece in pieces), tuple(mentions)


def draw_link(rng: Random) -> str:
    """Make up a shortened link."""
    return "https://t.co/" + "".join(pick(rng, _LINK_ALPHABET) for _ in range(10))


def add_noise(pieces: Pieces, slang: Slang, rng: Random, *, mood: Mood) -> Pieces:
    """Dress a post: asides, shorthand, slips, letter case, hashtags, emoji, mentions and links.

    Args:
        pieces: The clean post.
        slang: What its language offers.
        rng: Source of every draw.
        mood: The author's; most closers and emoji follow it.
    """
    if mood != "sober":
        pieces = _add_asides(pieces, slang, rng, mood)
        pieces = _shorten(pieces, slang, rng)
        pieces = _stretch(pieces, slang, rng)
    for prob in (0.3, 0.1):
        if chance(rng, prob):
            pieces = _misspell(pieces, slang, rng)
    pieces = _change_case(pieces, rng)
    pieces = _tag_drugs(pieces, rng)
    return _decorate(pieces, slang, rng, mood)


def _add_asides(pieces: Pieces, slang: Slang, rng: Random, mood: Mood) -> Pieces:
    # A post that begins as reviews do, with a capital, would not begin with slang as well.
    is_review = pieces[0].type is None and re.match(r"[A-ZА-ЯЁ][a-zа-яё]", pieces[0].text)
    if chance(rng, 0.25) and not is_review:
        pieces = (Piece(pick(rng, slang.openers) + " "), *pieces)
    if chance(rng, 0.5):
        joint = " " if pieces[-1].text[-1] in ".!?" else ". "
        pieces = (*pieces, Piece(joint + _pick_by_mood(slang.closers, mood, rng)))
    return pieces


def _pick_by_mood(by_mood: dict[str, list[str]], mood: Mood, rng: Random) -> str:
    follows = chance(rng, 0.7) and mood != "sober"
    return pick(rng, by_mood[mood if follows else "plain"])


def _shorten(pieces: Pieces, slang: Slang, rng: Random) -> Pieces:
    if not chance(rng, 0.4):
        return pieces
    words = re.compile(r"\b(" + "|".join(slang.shorthand) + r")\b")

    def shorten(match: re.Match[str]) -> str:
        return slang.shorthand[match[0]] if chance(rng, 0.6) else match[0]

    return _map_words(pieces, lambda text: words.sub(shorten, text))


def _stretch(pieces: Pieces, slang: Slang, rng: Random) -> Pieces:
    words = _find(pieces, re.compile(r"\b(" + "|".join(slang.stretch) + r")\b"))
    if not words or not chance(rng, 0.3):
        return pieces
    at, word = pick(rng, words)
    extra = word[0][-1] * (2 + draw_below(rng, 3))
    return _splice(pieces, at, word.end(), word.end(), extra)


def _misspell(pieces: Pieces, slang: Slang, rng: Random) -> Pieces:
    """Slip in one long word, wherever it stands: a mention can be misspelt like any word."""
    words = _find(pieces, _LONG_WORD)
    if not words:
        return pieces
    at, word = pick(rng, words)
    # The first letter stays: writers rarely miss it.
    place = word.start() + 1 + draw_below(rng, len(word[0]) - 2)
    letter = pieces[at].text[place]
    following = pieces[at].text[place + 1]
    slips = (
        (place + 1, ""),
        (place + 1, letter * 2),
        (place + 2, following + letter),
        (place + 1, _neighbour(letter, slang.keyboard, rng)),
    )
    end, slip = pick(rng, slips)
    return _splice(pieces, at, place, end, slip)


def _neighbour(letter: str, keyboard: tuple[str, ...], rng: Random) -> str:
    for row in keyboard:
        place = row.find(letter)
        if place >= 0:
            return pick(rng, row[max(place - 1, 0) : place] + row[place + 1 : place + 2])
    return ""


def _find(pieces: Pieces, pattern: re.Pattern[str]) -> list[tuple[int, re.Match[str]]]:
    return [
        (at, match)
        for at, piece in enumerate(pieces)
        if not _is_link(piece)
        for match in pattern.finditer(piece.text)
    ]


def _splice(pieces: Pieces, at: int, start: int, end: int, text: str) -> Pieces:
    old = pieces[at]
    changed = replace(old, text=old.text[:start] + text + old.text[end:])
    return (*pieces[:at], changed, *pieces[at + 1 :])


def _map_words(pieces: Pieces, change: Callable[[str], str]) -> Pieces:
    return tuple(
        piece if _is_link(piece) else replace(piece, text=change(piece.text)) for piece in pieces
    )


def _is_link(piece: Piece) -> bool:
    return piece.text.startswith("https:")


def _change_case(pieces: Pieces, rng: Random) -> Pieces:
    style = rng.random()
    if style < 0.35:
        return _map_words(pieces, str.lower)
    if style < 0.40:
        return _map_words(pieces, _shout)
    if style < 0.70:
        return _capitalise(pieces)
    return pieces


def _shout(text: str) -> str:
    # "&amp;" is an escape, not a word.
    return text.upper().replace("&AMP;", "&amp;")


def _capitalise(pieces: Pieces) -> Pieces:
    before = ". "
    capitalised = []
    for piece in pieces:
        text = ""
        for character in piece.text:
            start = _SENTENCE_START.search(before + text) is not None
            text += character.upper() if start else character
        capitalised.append(replace(piece, text=text))
        before += text
    return tuple(capitalised)


def _tag_drugs(pieces: Pieces, rng: Random) -> Pieces:
    tagged: list[Piece] = []
    for piece in pieces:
        if piece.type == "DRUG" and chance(rng, 0.12):
            tagged.append(Piece("#"))
        tagged.append(piece)
    return tuple(tagged)


def _decorate(pieces: Pieces, slang: Slang, rng: Random, mood: Mood) -> Pieces:
    chats = mood != "sober"
    front, back = "", ""
    if chats and chance(rng, 0.12):
        front = f"@someone_{draw_below(rng, 10_000):04d} "
    if chats and chance(rng, 0.2):
        laugh = pick(rng, slang.laughs)
        back += laugh if laugh[0] in ".()" else " " + laugh
    if chance(rng, 0.3):
        back += " " + _pick_by_mood(slang.emoji, mood, rng) * (1 + draw_below(rng, 3))
    if chance(rng, 0.08):
        back += " #" + pick(rng, slang.hashtags)
    if chats and chance(rng, 0.06):
        back += " " + draw_link(rng)
    return (
        *((Piece(front),) if front else ()),
        *pieces,
        *((Piece(back),) if back else ()),
    )
