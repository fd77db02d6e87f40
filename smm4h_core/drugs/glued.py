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
        self._edges = tuple(sorted(self._run_in))

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
        is_one_part = word.isalpha() and word[1:].islower()
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
        if not is_hashtag and not (key.startswith(self._edges) or key.endswith(self._edges)):
            return ()  # most words; the search below is for the rest
        starts = self._reached(key, is_hashtag, range(len(key) + 1))
        ends = self._reached(key, is_hashtag, range(len(key), -1, -1))
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

    def _reached(self, key: str, is_hashtag: bool, places: range) -> list[int]:
        """Places that whole words reach, one after the other, from the first place on."""
        reached = [places[0]]
        for place in reached:
            for other in places[places.index(place) + 1 :]:
                piece = key[place:other] if place < other else key[other:place]
                if self._is_word(piece, is_hashtag) and other not in reached:
                    reached.append(other)
        return reached

    def _is_word(self, piece: str, is_hashtag: bool) -> bool:
        if is_hashtag:
            return piece in self._small_words or (
                len(piece) >= MIN_HASHTAG_WORD and piece in self._words
            )
        return piece in self._run_in

    def _name(self, key: str) -> DrugName | None:
        return None if key in self._ordinary_names else self._names.get(key)
