"""BIO tags of words, from spans and back.

A tag sequence is well-formed where no ``I`` begins a mention. The one rule of repair, for whatever
may write another: an ``I`` after an ``O``, or at the beginning, counts as a ``B``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smm4h_core.extract.words import Stretch
from smm4h_core.text.normalise import Normalised
from smm4h_core.types import Mention, Span

OUTSIDE, BEGIN, INSIDE = 0, 1, 2
NUM_TAGS = 3

Tags = NDArray[np.int64]
"""``(W,)`` one of `OUTSIDE`, `BEGIN`, `INSIDE` a word."""


@dataclass(frozen=True, slots=True, eq=False)
class GoldTags:
    """A post's gold mentions as tags, and what tags cannot say of them."""

    tags: Tags
    """``(W,)`` well-formed."""
    num_moved: int = 0
    """Mentions with a border inside a word or on punctuation, moved to the words they touch."""
    num_wordless: int = 0
    """Mentions that hold no part of a word, left out."""
    num_overlapping: int = 0
    """Mentions left out because a longer one, or an earlier one as long, has words of theirs."""


def tag_mentions(
    mentions: Iterable[Mention], normalised: Normalised, words: Sequence[Stretch]
) -> GoldTags:
    """Tag the words of a post with its mentions.

    A discontinuous mention is tagged from its first word to its last. Of mentions that share words
    the one of more words is kept, of equals the first: what remains is the coordination ("pain in
    arms and legs") that `smm4h_core.extract.coordination` takes apart again.

    Args:
        mentions: Of the type wanted; their spans are in the post as received.
        normalised: The post.
        words: The words of its normalised text.
    """
    covered: list[tuple[int, int]] = []
    num_moved = num_wordless = 0
    for mention in mentions:
        start, end = normalised.to_normalised(mention.span.start, mention.span.end)
        first, last = _words_within(words, start, end)
        if first == last:
            num_wordless += 1
            continue
        num_moved += raw_span(normalised, words, first, last) != mention.span
        covered.append((first, last))
    tags = np.zeros(len(words), dtype=np.int64)
    distinct = list(dict.fromkeys(covered))
    num_overlapping = 0
    for first, last in sorted(distinct, key=lambda stretch: (stretch[0] - stretch[1], stretch[0])):
        if tags[first:last].any():
            num_overlapping += 1
            continue
        tags[first:last] = INSIDE
        tags[first] = BEGIN
    return GoldTags(tags, num_moved, num_wordless, num_overlapping)


def repair_tags(tags: Tags) -> Tags:
    """The same tags, well-formed."""
    before = np.concatenate([[OUTSIDE], tags[:-1]])
    return np.where((tags == INSIDE) & (before == OUTSIDE), BEGIN, tags)


def read_tags(tags: Tags) -> list[tuple[int, int]]:
    """The mentions that tags mark, ``[first, last)`` words each; ill-formed ones are repaired."""
    tags = repair_tags(tags)
    ends = np.append(tags[1:], OUTSIDE) != INSIDE
    firsts = np.flatnonzero(tags == BEGIN)
    lasts = np.flatnonzero((tags != OUTSIDE) & ends) + 1
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def raw_span(normalised: Normalised, words: Sequence[Stretch], first: int, last: int) -> Span:
    """Where the words ``[first, last)`` stand in the post as received."""
    return Span(*normalised.to_raw(words[first][0], words[last - 1][1]))


def _words_within(words: Sequence[Stretch], start: int, end: int) -> tuple[int, int]:
    """The words ``[first, last)`` that share a character with ``[start, end)``."""
    touched = [i for i, (begins, ends) in enumerate(words) if begins < end and start < ends]
    return (touched[0], touched[-1] + 1) if touched else (0, 0)
