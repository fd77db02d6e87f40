"""Names that a misspelt word may stand for, found without looking at most of them.

A word within one edit of a name becomes the same as the name once at most one letter of each is
left out (the deletion index of SymSpell). Two edits are forgiven to long words alone, and only
where the consonants sound alike: people misspell vowels and double letters, while other consonants
make another substance (cefazolin, cefoxitin). In short words not even one letter may become another
that sounds differently: most such pairs are a drug and somebody's surname. The first letter must be
right.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

MIN_LETTERS = 6
"""Shorter words have too many neighbours: ``alive`` is one edit from ``aleve``."""
MIN_LETTERS_LONG = 9
MAX_LETTERS = 32
"""Longer words are chemical names, which nobody misspells by one letter only."""

Hashes = npt.NDArray[np.uint32]
Numbers = npt.NDArray[Any]
_SLOTS_EACH = 5
"""Slots a hash, found by its first bits: an empty one spares most words the search."""
_SHELF_BITS = 16
"""Hashes with these first bits in common are searched together."""
_HALVES_BITS = 19
_HALVES_SHIFT = 32 - _HALVES_BITS

_SILENT = "aeiouyhаеиоуыэюяйьъ"
_ALIKE = ("ckqsxz", "fvw", "bp", "dt", "gj", "бп", "вф", "дт", "гкх", "зсц", "жшщч")
"""Consonants that sound alike count as one."""


_DOUBLED = re.compile(rb"(.)\1+", re.DOTALL)


def _low_bytes(word: str) -> bytes:
    """A byte a letter; letters that share one are told apart where whole words are compared."""
    return word.encode("utf-16-le")[::2]


def _sounds() -> bytes:
    sounds = bytearray(range(256))
    for group in _ALIKE:
        for letter in _low_bytes(group):
            sounds[letter] = _low_bytes(group)[0]
    for letter in _low_bytes(_SILENT):
        sounds[letter] = 0
    return bytes(sounds)


_SOUNDS = _sounds()
_SILENT_BYTES = _low_bytes(_SILENT)


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
        halves: list[Hashes] = []
        for length in sorted(by_length):
            group = by_length[length]
            rows = np.arange(first, first + len(group), dtype=np.uint32)
            letters = _letters_of(group)
            hashes = _without_one_letter(letters)
            shortened.append((hashes.ravel(), np.repeat(rows, hashes.shape[1])))
            if length >= MIN_LETTERS_LONG:
                consonants.append((_consonants(letters), rows))
            halves += _halves(letters)
            first += len(group)
        self._shortened = _Table(shortened)
        self._consonants = _Table(consonants)
        self._halves = _mark(halves, _HALVES_BITS)

    def __len__(self) -> int:
        return len(self._names)

    def nearest(self, word: str) -> tuple[str, ...]:
        """Names nearest to a word in lower case, all at the same distance; none within reach.

        A word that is itself a name has that name alone.
        """
        length = len(word)
        if not MIN_LETTERS <= length <= MAX_LETTERS or not _is_spelt(word):
            return ()
        letters = _low_bytes(word)
        half = length // 2
        # One edit, a swap across the middle too, leaves one of two stretches as it was.
        if (
            self._halves[crc32(letters[:half], length) >> _HALVES_SHIFT]
            or self._halves[crc32(letters[half + 1 :], ~length & _ONES) >> _HALVES_SHIFT]
        ):
            rows = self._shortened.rows_of(_shortened_of(letters))
            if rows and (near := self._within(word, rows, 1)):
                return near
        if length < MIN_LETTERS_LONG:
            return ()
        rows = self._consonants.rows_of((_consonants_of(letters),))
        return self._within(word, rows, 2) if rows else ()

    def _within(self, word: str, rows: set[int], most: int) -> tuple[str, ...]:
        distances = {
            name: distance
            for name in (self._names[row] for row in sorted(rows))
            if name[0] == word[0]
            and abs(len(name) - len(word)) <= most
            and (distance := edit_distance(word, name, most=most)) <= most
            and (len(word) >= MIN_LETTERS_LONG or not _sounds_differently(word, name))
        }
        least = min(distances.values(), default=0)
        return tuple(name for name, distance in distances.items() if distance == least)


def edit_distance(one: str, other: str, *, most: int = MAX_LETTERS) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours that part two words.

    Restricted Damerau-Levenshtein: no letter is touched twice. A distance above ``most`` may come
    out as any number above it.
    """
    one, other = _less_common_ends(one, other)
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        last, row = row, [i]
        for j, b in enumerate(other, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before = last
    return row[-1]


def _less_common_ends(one: str, other: str) -> tuple[str, str]:
    """Both without the letters that they begin and end with alike: those cost nothing."""
    most = min(len(one), len(other))
    head = next((i for i in range(most) if one[i] != other[i]), most)
    most -= head
    tail = next((i for i in range(most) if one[-1 - i] != other[-1 - i]), most)
    return one[head : len(one) - tail], other[head : len(other) - tail]


def _sounds_differently(one: str, other: str) -> bool:
    """Whether one letter stands for another of another sound; a swap of neighbours does not."""
    pairs = [(a, b) for a, b in zip(one, other, strict=False) if a != b]
    return len(one) == len(other) and len(pairs) == 1 and not _sound_alike(*pairs[0])


def _sound_alike(one: str, other: str) -> bool:
    """Whether two letters of one script do."""
    same_script = ord(one) >> 8 == ord(other) >> 8
    return same_script and _SOUNDS[ord(one) & 0xFF] == _SOUNDS[ord(other) & 0xFF]


def _is_spelt(word: str) -> bool:
    """Whether it is one word of letters from the scripts that the tables above know."""
    return word.isalpha() and (word.isascii() or max(word) < "\u0500")


def _letters_of(words: Sequence[str]) -> Hashes:
    """Low bytes of words of one length, shape (number of words, length)."""
    packed = np.frombuffer(b"".join(map(_low_bytes, words)), np.uint8)
    return packed.reshape(len(words), -1).astype(np.uint32)


def _crc_table() -> Hashes:
    rows = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        rows = np.where(rows & 1, (rows >> 1) ^ np.uint32(0xEDB88320), rows >> 1)
    return rows


_CRC = _crc_table()
_ONES = 0xFFFFFFFF  # zlib turns all bits over before and after
_TURNED = np.uint32(_ONES)


def _add(states: Hashes, letters: Hashes) -> Hashes:
    """One more byte in each state of the checksum that `crc32` computes."""
    added: Hashes = _CRC[(states ^ letters) & np.uint32(0xFF)] ^ (states >> np.uint32(8))
    return added


def _checksums(letters: Hashes, start: int) -> Hashes:
    """What `crc32(row, start)` gives for each row: (words,)."""
    states = np.full(len(letters), np.uint32(start)) ^ _TURNED
    for place in range(letters.shape[1]):
        states = _add(states, letters[:, place])
    return states ^ _TURNED


def _without_one_letter(letters: Hashes) -> Hashes:
    """Hashes of each word and of it less each letter but the first: (words, length)."""
    states = np.full(letters.shape, _TURNED)
    for place in range(letters.shape[1]):
        added = _add(states, letters[:, place : place + 1])
        if place:  # column 0 is the whole word
            added[:, place] = states[:, place]
        states = added
    return states ^ _TURNED


def _shortened_of(letters: bytes) -> list[int]:
    """What `_without_one_letter` gives for one word, without numpy's cost for each call."""
    places = range(1, len(letters))
    shorter = [crc32(letters[:place] + letters[place + 1 :]) for place in places]
    return [crc32(letters), *shorter]


def _consonants(letters: Hashes) -> Hashes:
    """Hashes of the sounding consonants, doubled letters counted once: (words,)."""
    sounds = np.frombuffer(_SOUNDS, np.uint8)[letters].astype(np.uint32)
    kept = sounds != 0
    kept[:, 1:] &= letters[:, 1:] != letters[:, :-1]
    states = np.full(len(letters), _TURNED)
    for place in range(letters.shape[1]):
        states = np.where(kept[:, place], _add(states, sounds[:, place]), states)
    return states ^ _TURNED


def _consonants_of(letters: bytes) -> int:
    """What `_consonants` gives for one word."""
    return crc32(_DOUBLED.sub(rb"\1", letters).translate(_SOUNDS, _SILENT_BYTES))


def _halves(letters: Hashes) -> Iterator[Hashes]:
    """Hashes of the stretches that a word with a slip can share with these words, which see."""
    own = letters.shape[1]
    for length in range(max(MIN_LETTERS, own - 1), min(MAX_LETTERS, own + 1) + 1):
        half = length // 2
        yield _checksums(letters[:, :half], length)
        yield _checksums(letters[:, own - (length - half - 1) :], ~length & _ONES)


def _mark(parts: Sequence[Hashes], bits: int) -> bytes:
    """A byte for each possible beginning of so many bits: 1 where a hash begins so."""
    marks = np.zeros(1 << bits, np.uint8)
    for hashes in parts:
        marks[hashes >> np.uint32(32 - bits)] = 1
    return marks.tobytes()


class _Table:
    """Rows of names by hash, in 14 bytes each: a dict would take a hundred."""

    def __init__(self, parts: Sequence[tuple[Hashes, Numbers]]) -> None:
        hashes = np.concatenate([np.zeros(0, np.uint32), *(part for part, _ in parts)])
        rows = np.concatenate([np.zeros(0, np.uint32), *(part for _, part in parts)])
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        # Views: element by element they are quicker to read than numpy's arrays.
        self._hashes = hashes.data
        self._rows = rows[order].data
        bits = min(32, max(1, (_SLOTS_EACH * len(hashes)).bit_length()))
        self._shift = 32 - bits
        self._slots = _mark([hashes], bits)
        shelves = np.arange((1 << _SHELF_BITS) + 1, dtype=np.uint64) << np.uint64(32 - _SHELF_BITS)
        self._shelves = np.searchsorted(hashes, shelves).astype(np.uint32).data

    def rows_of(self, wanted: Sequence[int]) -> set[int]:
        """Rows of names with one of these hashes."""
        slots, shift = self._slots, self._shift
        found = set()
        for each in wanted:
            if slots[each >> shift]:
                shelf = each >> (32 - _SHELF_BITS)
                at, end = self._shelves[shelf], self._shelves[shelf + 1]
                at = bisect_left(self._hashes, each, at, end)
                while at < end and self._hashes[at] == each:
                    found.add(self._rows[at])
                    at += 1
        return found
