"""Find a quotation in its text where a corpus gives no offsets, or only a reworded string."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from smm4h_core.corpora.original import merge_spans
from smm4h_core.types import Span

MAX_FRAGMENTS = 3
"""More parts than this are words strewn over a sentence, not a mention that somebody marked."""

_WORD = re.compile(r"\w+(?:['’]\w+)*")


def locate(quoted: str, text: str, taken: Collection[Span] = ()) -> tuple[Span, ...]:
    """Locate a quotation, case and length of blanks aside.

    As one piece it is taken where it stands alone as words, the first time where it overlaps no
    place already taken; else the first such place; else inside a longer word. Where it is no piece
    of the text, its words are sought in their order, and the shortest stretch that holds them gives
    the fragments: at most `MAX_FRAGMENTS` runs of neighbouring words.

    Args:
        quoted: What is said to stand in the text.
        text: The text.
        taken: Places of the text that other quotations hold.

    Returns:
        One span, the fragments in order, or nothing where the quotation is not found.
    """
    words = quoted.split()
    if not words:
        return ()
    piece = r"\s+".join(map(re.escape, words))
    alone = _spans_of(rf"(?<!\w){piece}(?!\w)", text)
    free = [span for span in alone if not any(span.overlaps(other) for other in taken)]
    if found := free or alone or _spans_of(piece, text):
        return (found[0],)
    return _locate_words(quoted, text)


def _spans_of(pattern: str, text: str) -> list[Span]:
    return [Span(*match.span()) for match in re.finditer(pattern, text, re.IGNORECASE)]


def _locate_words(quoted: str, text: str) -> tuple[Span, ...]:
    wanted = [match[0].casefold() for match in _WORD.finditer(quoted)]
    words = [(match[0].casefold(), Span(*match.span())) for match in _WORD.finditer(text)]
    best: list[int] = []
    for start, (word, _) in enumerate(words):
        if wanted and word == wanted[0]:
            chosen = _follow([word for word, _ in words], wanted, start)
            if chosen and (not best or chosen[-1] - chosen[0] < best[-1] - best[0]):
                best = chosen
    fragments: list[Span] = []
    for before, number in zip([None, *best], best, strict=False):
        span = words[number][1]
        if before is not None and number == before + 1:
            fragments[-1] = Span(fragments[-1].start, span.end)
        else:
            fragments.append(span)
    return merge_spans(fragments) if len(fragments) <= MAX_FRAGMENTS else ()


def _follow(words: Sequence[str], wanted: Sequence[str], start: int) -> list[int]:
    """Take each wanted word as early as it comes, from a first word that is given."""
    chosen: list[int] = []
    for word in wanted:
        try:
            start = words.index(word, start)
        except ValueError:
            return []
        chosen.append(start)
        start += 1
    return chosen
