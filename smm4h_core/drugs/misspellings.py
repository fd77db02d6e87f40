"""Names that a misspelt word may stand for, found without looking at most of them.

A word within one edit of a name becomes the same as the name once at most one letter of each is
left out (the deletion index of SymSpell). Two edits are forgiven to long words alone, and only
where the consonants sound alike: people misspell vowels and double letters, while other consonants
make another substance (cefazolin, cefoxitin). In short words not even one letter may become another
that sounds differently: most such pairs are a drug and somebody's surname. The first letter must be
right.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import mul
from typing import Any

import numpy as np
import numpy.typing as npt

MIN_LETTERS = 6
"""Shorter words have too many neighbours: ``alive`` is one edit from ``aleve``."""
MIN_LETTERS_LONG = 9
MAX_LETTERS = 32
"""Longer words are chemical names, which nobody misspells by one letter only."""

Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[Any]
_SLOTS_EACH = 5
"""Slots a hash, found by its first bits: an empty one spares most words the search."""

_MODULUS = 2**64
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse
_POWERS_LIST = [pow(_BASE, i, _MODULUS) for i in range(MAX_LETTERS)]
_POWERS = np.array(_POWERS_LIST, dtype=np.uint64)
_INVERSE = pow(_BASE, -1, _MODULUS)
_SILENT = "aeiouyhаеиоуыэюяйьъ"
_ALIKE = ("ckqsxz", "fvw", "bp", "dt", "gj", "бп", "вф", "дт", "гкх", "зсц", "жшщч")
"""Consonants that sound alike count as one."""


def _consonant_classes() -> npt.NDArray[np.uint64]:
    classes = np.arange(0x500, dtype=np.uint64)
    for letter in _SILENT:
        classes[ord(letter)] = 0
    for group in _ALIKE:
        for letter in group:
            classes[ord(letter)] = ord(group[0])
    return classes


_CLASSES = _consonant_classes()
_CLASS_OF: list[int] = _CLASSES.tolist()


class MisspellingIndex:
    """Names by what remains of them without a letter, and without their vowels."""

    def __init__(self, names: Sequence[str]) -> None:
        # A sorted order makes equal hashes, and so every answer, independent of the caller's.
        by_length: dict[int, list[str]] = {}
        for name in sorted(set(names)):
            if MIN_LETTERS <= len(name) <= MAX_LETTERS and _is_spelt(name):
                by_length.setdefault(len(name), []).append(name)
        self._names = [name for length in sorted(by_length) for name in by_length[length]]
        shortened, consonants, first = [], [], 0
        for length in sorted(by_length):
            group = by_length[length]
            rows = np.arange(first, first + len(group), dtype=np.uint32)
            letters = _letters_of(group, length)
            hashes = _without_one_letter(letters)
            shortened.append((hashes.ravel(), np.repeat(rows, hashes.shape[1])))
            if length >= MIN_LETTERS_LONG:
                consonants.append((_consonants(letters), rows))
            first += len(group)
        self._shortened = _Table(shortened)
        self._consonants = _Table(consonants)

    def __len__(self) -> int:
        return len(self._names)

    def nearest(self, word: str) -> tuple[str, ...]:
        """Names nearest to a word in lower case, all at the same distance; none within reach.

        A word that is itself a name has that name alone.
        """
        length = len(word)
        if not MIN_LETTERS <= length <= MAX_LETTERS or not _is_spelt(word):
            return ()
        rows = self._shortened.rows_of(_shortened_of(word))
        if rows and (near := self._within(word, rows, 1)):
            return near
        if length < MIN_LETTERS_LONG:
            return ()
        rows = self._consonants.rows_of((_consonants_of(word),))
        return self._within(word, rows, 2) if rows else ()

    def _within(self, word: str, rows: set[int], most: int) -> tuple[str, ...]:
        distances = {
            name: distance
            for name in (self._names[row] for row in sorted(rows))
            if name[0] == word[0]
            and (distance := edit_distance(word, name)) <= most
            and (len(word) >= MIN_LETTERS_LONG or not _sounds_differently(word, name))
        }
        least = min(distances.values(), default=0)
        return tuple(name for name, distance in distances.items() if distance == least)


def edit_distance(one: str, other: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours that part two words.

    Restricted Damerau-Levenshtein: no letter is touched twice.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        last, row = row, [i]
        for j, b in enumerate(other, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before = last
    return row[-1]


def _sounds_differently(one: str, other: str) -> bool:
    """Whether one letter stands for another of another sound; a swap of neighbours does not."""
    pairs = [(a, b) for a, b in zip(one, other, strict=False) if a != b]
    return (
        len(one) == len(other)
        and len(pairs) == 1
        and _CLASS_OF[ord(pairs[0][0])] != _CLASS_OF[ord(pairs[0][1])]
    )


def _is_spelt(word: str) -> bool:
    """Whether it is one word of letters from the scripts that the tables above know."""
    return word.isalpha() and max(word) < "\u0500"


def _letters_of(words: Sequence[str], length: int) -> Hashes:
    """Code points, shape (number of words, length)."""
    packed = np.array(words, dtype=f"<U{length}")
    return packed.view(np.uint32).reshape(len(words), length).astype(np.uint64)


def _without_one_letter(letters: Hashes) -> Hashes:
    """Polynomial hashes of each word and of it less each letter but the first: (words, length)."""
    num_words, length = letters.shape
    sums = np.zeros((num_words, length + 1), dtype=np.uint64)
    np.cumsum(letters * _POWERS[:length], axis=1, out=sums[:, 1:])
    whole = sums[:, -1:]
    shorter = sums[:, 1:-1] + (whole - sums[:, 2:]) * np.uint64(_INVERSE)
    return np.concatenate((whole, shorter), axis=1)


def _consonants(letters: Hashes) -> Hashes:
    """Hashes of the sounding consonants, doubled letters counted once: (words,)."""
    classes = _CLASSES[letters]
    kept = classes != 0
    kept[:, 1:] &= letters[:, 1:] != letters[:, :-1]
    place = np.maximum(np.cumsum(kept, axis=1) - 1, 0)
    hashes: Hashes = np.where(kept, classes * _POWERS[place], np.uint64(0)).sum(
        axis=1, dtype=np.uint64
    )
    return hashes


def _shortened_of(word: str) -> list[int]:
    """What `_without_one_letter` gives for one word, without numpy's cost for each call."""
    sums = list(accumulate(map(mul, map(ord, word), _POWERS_LIST)))
    total = sums[-1]
    shorter = [(before + (total - after) * _INVERSE) % _MODULUS for before, after in pairwise(sums)]
    return [total % _MODULUS, *shorter]


def _consonants_of(word: str) -> int:
    """What `_consonants` gives for one word."""
    sounds = [
        sound
        for last, letter in pairwise(f" {word}")
        if letter != last and (sound := _CLASS_OF[ord(letter)])
    ]
    return int(sum(map(mul, sounds, _POWERS_LIST)) % _MODULUS)


class _Table:
    """Rows of names by hash, in 20 bytes each: a dict would take a hundred."""

    def __init__(self, parts: Sequence[tuple[Hashes, Numbers]]) -> None:
        hashes = np.concatenate([np.zeros(0, np.uint64), *(part for part, _ in parts)])
        rows = np.concatenate([np.zeros(0, np.uint32), *(part for _, part in parts)])
        order = np.argsort(hashes, kind="stable")
        # Views: element by element they are quicker to read than numpy's arrays.
        self._hashes = hashes[order].data
        self._rows = rows[order].data
        bits = (_SLOTS_EACH * len(hashes)).bit_length()
        self._shift = 64 - bits
        slots = np.zeros(1 << bits, np.uint8)
        slots[hashes >> np.uint64(self._shift)] = 1
        self._slots = slots.data

    def rows_of(self, wanted: Sequence[int]) -> set[int]:
        """Rows of names with one of these hashes."""
        slots, shift = self._slots, self._shift
        found = set()
        for each in wanted:
            if slots[each >> shift]:
                at = bisect_left(self._hashes, each)
                while at < len(self._hashes) and self._hashes[at] == each:
                    found.add(self._rows[at])
                    at += 1
        return found
