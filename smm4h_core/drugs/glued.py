"""Names inside longer words: ``onSeroquel``, ``seroquel50mg``, ``#cymbaltawithdrawal``."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Set

from smm4h_core.drugs.lexicon import DrugName
from smm4h_core.drugs.name_index import is_well_known

MIN_PART = 3
"""Shortest name taken where capitals or digits part the word."""
MIN_RUN_IN = 5
"""Shortest name taken where nothing parts it from its neighbours."""
MAX_LETTERS = 48
"""Longer words are no words; the search below grows with the square of the length."""

_PARTS = re.compile(r"\d+|[A-ZА-ЯЁ]+(?=[A-ZА-ЯЁ][a-zа-яё])|[A-ZА-ЯЁ]*[^\W\d_A-ZА-ЯЁ]+|[A-ZА-ЯЁ]+")
_SHORT_ENDS = frozenset(("er", "la", "mg", "ml", "pm", "sr", "xl", "xr", "мг", "мл"))
"""After a name, nothing else of two letters: ``-in``, ``-ol``, ``-us`` make another word of it."""
MIN_HASHTAG_WORD = 4
"""Of the many ordinary words, shorter ones fall out of too many strings."""


class GluedNames:
    """Finds names inside one word.

    Args:
        names: Names by their key.
        ordinary_names: Names that are ordinary words too, never taken from inside another word.
        words: Ordinary words, of which the rest of a hashtag must consist where nothing parts it.
        small_words: The few of which the rest of any other word must consist.
    """

    def __init__(
        self,
        names: Mapping[str, DrugName],
        ordinary_names: Container[str],
        words: Container[str],
        small_words: Set[str],
    ) -> None:
        self._names = names
        self._ordinary_names = ordinary_names
        self._words = words
        self._small_words = small_words
        # One letter alone: осенне, of autumn, would be о сенне, about senna.
        self._run_in = frozenset(word for word in small_words if len(word) > 1)
        # By its first and by its last two letters how long a small word may be.
        self._heads: dict[str, set[int]] = {}
        self._tails: dict[str, set[int]] = {}
        for word in self._run_in:
            self._heads.setdefault(word[:2], set()).add(len(word))
            self._tails.setdefault(word[-2:], set()).add(len(word))

    def find(
        self, word: str, key: str, *, is_hashtag: bool = False
    ) -> tuple[tuple[int, int, DrugName], ...]:
        """Names in a word, ``[start, end)`` within it, in order.

        Args:
            word: As written; its capitals and digits tell the parts.
            key: The same in lower case, letter for letter.
            is_hashtag: Whether words may run together here.
        """
        if not MIN_PART < len(word) <= MAX_LETTERS or len(key) != len(word):
            return ()
        is_one_part = word.isalpha() and (word == key or word[1:].islower())
        parted = () if is_one_part else tuple(self._find_parted(word, key))
        return parted or self._find_run_in(key, is_hashtag)

    def _find_parted(self, word: str, key: str) -> Iterator[tuple[int, int, DrugName]]:
        edges = [match.span() for match in _PARTS.finditer(word)]
        if len(edges) < 2:
            return
        at = 0
        while at < len(edges):
            for last in range(len(edges) - 1, at - 1, -1):
                start, end = edges[at][0], edges[last][1]
                if end - start >= MIN_PART and (name := self._name(key[start:end])):
                    yield start, end, name
                    at = last
                    break
            at += 1

    def _find_run_in(self, key: str, is_hashtag: bool) -> tuple[tuple[int, int, DrugName], ...]:
        """The longest name whose neighbours are words; of two as long the first."""
        if len(key) <= MIN_RUN_IN:
            return ()
        if not is_hashtag and key[:2] not in self._heads and key[-2:] not in self._tails:
            return ()  # most words
        if is_hashtag:
            starts = self._reached(key, range(len(key) + 1))
            ends = self._reached(key, range(len(key), -1, -1))
        else:
            starts, ends = self._after_small_words(key), self._before_small_words(key)
        pairs = [(s, e) for s in starts for e in ends if MIN_RUN_IN <= e - s < len(key)]
        for start, end in sorted(pairs, key=lambda pair: (pair[0] - pair[1], pair[0])):
            name = self._name(key[start:end])
            after = key[end:]
            if (
                name is not None
                and is_well_known(name)
                and (not 0 < len(after) <= 2 or after in _SHORT_ENDS)
            ):
                return ((start, end, name),)
        return ()

    def _after_small_words(self, key: str) -> list[int]:
        """Places that small words reach, one after the other, from the first letter on."""
        reached = [0]
        for place in reached:
            for length in self._heads.get(key[place : place + 2], ()):
                other = place + length
                if key[place:other] in self._run_in and other not in reached:
                    reached.append(other)
        return reached

    def _before_small_words(self, key: str) -> list[int]:
        """The same from the last letter back."""
        reached = [len(key)]
        for place in reached:
            for length in self._tails.get(key[max(0, place - 2) : place], ()):
                other = place - length
                if other >= 0 and key[other:place] in self._run_in and other not in reached:
                    reached.append(other)
        return reached

    def _reached(self, key: str, places: range) -> list[int]:
        """Places that any whole words reach, one after the other, from the first place on."""
        reached = [places[0]]
        for place in reached:
            for other in places[places.index(place) + 1 :]:
                piece = key[place:other] if place < other else key[other:place]
                if other not in reached and (
                    piece in self._small_words
                    or (len(piece) >= MIN_HASHTAG_WORD and piece in self._words)
                ):
                    reached.append(other)
        return reached

    def _name(self, key: str) -> DrugName | None:
        return None if key in self._ordinary_names else self._names.get(key)
