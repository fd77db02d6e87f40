"""A text as words with their sentences and clauses, and the cues that stand among them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import attrgetter, itemgetter
from typing import Generic, TypeAlias, TypeVar

from smm4h_core.drugs.names import normalise_name
from smm4h_core.extract.words import Stretch, find_words

C = TypeVar("C")

_SENTENCE_END = re.compile(r"[.!?…]+[\"')»]*\s|\n")
_CLAUSE_END = re.compile(r"[,;:.!?…()]|\n|\s[-\u2013\u2014]\s")

Phrase: TypeAlias = tuple[str, ...]
"""Words as `Reading.words` has them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as words."""

    places: tuple[Stretch, ...]
    """``(W,)`` where they stand."""
    words: tuple[str, ...]
    """``(W,)`` folded."""
    sentences: tuple[int, ...]
    """``(W,)`` the sentence of each."""
    clauses: tuple[int, ...]
    """``(W,)`` the stretch between commas of each."""

    def words_of(self, start: int, end: int) -> Stretch | None:
        """The words that share something with ``[start, end)`` of the text; None where none does.

        Args:
            start: First code point.
            end: One past the last.
        """
        first = bisect_right(self.places, start, key=itemgetter(1))
        last = bisect_left(self.places, end, key=itemgetter(0))
        return (first, last) if first < last else None


@dataclass(frozen=True, slots=True)
class Met(Generic[C]):
    """A phrase of cues in a text, as words ``[start, end)``."""

    start: int
    """Its first word."""
    end: int
    """One past its last."""
    cues: tuple[C, ...]
    """What it says."""


def met_within(met: Sequence[Met[C]], start: int, end: int) -> Sequence[Met[C]]:
    """Those of a text's phrases, in order, that share something with words ``[start, end)``."""
    first = bisect_right(met, start, key=attrgetter("end"))
    return met[first : bisect_left(met, end, key=attrgetter("start"))]


def read_text(text: str) -> Reading:
    """Cut a text into words, sentences and clauses."""
    places = find_words(text)
    words = tuple(split_phrase(text))
    gaps = [text[before:after] for (_, before), (after, _) in pairwise(places)]
    sentences = tuple(accumulate((bool(_SENTENCE_END.search(gap)) for gap in gaps), initial=0))
    clauses = tuple(accumulate((bool(_CLAUSE_END.search(gap)) for gap in gaps), initial=0))
    return Reading(places, words, sentences[: len(words)], clauses[: len(words)])


def split_phrase(text: str) -> Phrase:
    """The words of a phrase, folded as a reading's are."""
    return tuple(normalise_name(text[start:end]) for start, end in find_words(text))


def match_phrases(words: Sequence[str], cues: Mapping[Phrase, tuple[C, ...]]) -> Iterator[Met[C]]:
    """Phrases of cues, the longest at each place; none within another."""
    longest = max(map(len, cues))
    place = 0
    while place < len(words):
        for length in range(min(longest, len(words) - place), 0, -1):
            found = cues.get(tuple(words[place : place + length]))
            if found is not None:
                yield Met(place, place + length, found)
                break
        else:
            length = 1
        place += length
