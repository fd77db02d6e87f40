"""All pairs of similar sets, exactly, or as many of them as it takes to tell the clusters.

Chaudhuri et al., ICDE 2006; Bayardo et al., WWW 2007; Xiao et al., WWW 2008 (PPJoin). Sets of ``m``
and ``n`` words have a Jaccard similarity of ``t`` or more where they share ``c * (m + n)`` words or
more, ``c = t / (1 + t)``. With the words of all sets in one order, the rarest first, such a pair's
first common word stands so early in both that enough words can still follow it in either.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

# 0.55 * 20 is a little above 11 in floating point; a pair exactly at the threshold must count.
_SLACK = 1e-9
# Filters may pass too many pairs and must never lose one to the rounding of another formula.
_LOOSE = 2 * _SLACK
# Members of one cluster are mostly found among the first of many candidates.
_FIRST_CHECKED = 64


def connecting_pairs(sets: Sequence[frozenset[str]], threshold: float) -> Iterator[tuple[int, int]]:
    """Find similar pairs that connect whatever all similar pairs connect.

    A pair that earlier ones connect already is not looked at, so that ``n`` posts of one template
    cost no ``n**2 / 2`` comparisons.

    Args:
        sets: The sets, none of them empty and no two equal.
        threshold: Least Jaccard similarity, in (0, 1].

    Yields:
        Positions in ``sets`` of two similar sets.
    """
    # The smaller first: a set then meets its partners in the order of their sizes.
    order = sorted(range(len(sets)), key=lambda number: len(sets[number]))
    words, sizes = _number_words([sets[number] for number in order])
    starts = np.concatenate(([0], np.cumsum(sizes)))
    share = threshold / (1 + threshold)
    postings = _Postings(words, sizes, share)
    clusters = _Clusters(len(sets))
    last_met = np.full(len(sets), -1)
    marked = np.zeros(int(words.max(initial=0)) + 1, dtype=np.bool_)
    for this, size in enumerate(sizes.tolist()):
        own = words[starts[this] : starts[this + 1]]
        marked[own] = True
        for candidates in postings.find(this, own, threshold * size - _LOOSE):
            num_checked = _FIRST_CHECKED
            while len(candidates := clusters.strangers(this, candidates)):
                checked, candidates = candidates[:num_checked], candidates[num_checked:]
                checked = checked[last_met[checked] != this]
                last_met[checked] = this
                common = _count_marked(checked, marked, words, starts, sizes)
                similar = checked[common >= threshold * (size + sizes[checked] - common) - _SLACK]
                for other in clusters.join(this, similar):
                    yield order[other], order[this]
                num_checked *= 2
        marked[own] = False


def _number_words(sets: Sequence[frozenset[str]]) -> tuple[Ints, Ints]:
    """All sets' words as numbers, the rarest the least, sorted in each set; the sets' sizes."""
    frequency = Counter(chain.from_iterable(sets))
    rarest = sorted(frequency, key=lambda word: (frequency[word], word))
    number_of = {word: number for number, word in enumerate(rarest)}
    numbers = (sorted(map(number_of.__getitem__, words)) for words in sets)
    sizes = np.array([len(words) for words in sets], dtype=np.int64)
    return np.fromiter(chain.from_iterable(numbers), np.int64, int(sizes.sum())), sizes


class _Postings:
    """Which sets have a word so early that a set of their size or more may be similar to them."""

    def __init__(self, words: Ints, sizes: Ints, share: float) -> None:
        self._share = share
        self._sizes = sizes.tolist()
        set_of = np.repeat(np.arange(len(sizes)), sizes)
        size_of = sizes[set_of]
        position = np.arange(len(words)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        # A set of `size` words may share `size - position` of them from this one on; what a partner
        # of n words asks for is share * (size + n). What is left over must do for share * n.
        room = (1 - share) * size_of - position
        early = np.flatnonzero(room >= share * size_of - _LOOSE)
        by_word = early[np.argsort(words[early], kind="stable")]
        self._sets, self._room = set_of[by_word], room[by_word]
        num_words = int(words.max(initial=0)) + 1
        self._ends = np.cumsum(np.bincount(words[by_word], minlength=num_words)).tolist()

    def find(self, this: int, own: Ints, least: float) -> Iterator[Ints]:
        """Sets before ``this``, of ``least`` words or more, that may be similar, by its words."""
        size = len(own)
        smallest = bisect_left(self._sizes, least)
        for position, word in enumerate(own.tolist()):
            # Enough words must follow in this set too, and partners be no larger than that allows.
            largest = (size - position + _LOOSE) / self._share - size
            if largest < self._sizes[0]:
                return
            start, end = self._ends[word - 1] if word else 0, self._ends[word]
            last = min(this, bisect_right(self._sizes, largest))
            if start == end or last <= smallest:
                continue
            sets = self._sets[start:end]
            low, high = np.searchsorted(sets, (smallest, last))
            if low < high:
                room = self._room[start + low : start + high]
                yield sets[low:high][room >= self._share * size - _LOOSE]


class _Clusters:
    """Sets connected so far; the smaller of two clusters takes the other's label."""

    def __init__(self, num_sets: int) -> None:
        self._label: Ints = np.arange(num_sets)
        self._members = {number: [number] for number in range(num_sets)}

    def strangers(self, one: int, others: Ints) -> Ints:
        """Those that are not connected to ``one``."""
        apart: Ints = others[self._label[others] != self._label[one]]
        return apart

    def join(self, one: int, others: Ints) -> list[int]:
        """Connect strangers; return one for each cluster that was not connected before."""
        _, first = np.unique(self._label[others], return_index=True)
        joined: list[int] = others[first].tolist()
        for other in joined:
            labels = int(self._label[one]), int(self._label[other])
            small, large = sorted(labels, key=lambda label: len(self._members[label]))
            moved = self._members.pop(small)
            self._label[moved] = large
            self._members[large] += moved
        return joined


def _count_marked(
    checked: Ints, marked: NDArray[np.bool_], words: Ints, starts: Ints, sizes: Ints
) -> Ints:
    """Count the marked words of each of some sets."""
    lengths = sizes[checked]
    if not len(checked):
        return lengths
    first = np.cumsum(lengths) - lengths
    places = np.arange(int(lengths.sum())) + np.repeat(starts[checked] - first, lengths)
    counts: Ints = np.add.reduceat(marked[words[places]], first, dtype=np.int64)
    return counts
