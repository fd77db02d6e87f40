"""TF-IDF of pieces of words: which of many strings share most of theirs with a string.

As scikit-learn's ``TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), sublinear_tf=True)``
has it, to the last digits, without the second that importing it takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUM_LETTERS = 3
"""Letters of a piece. On PsyTAR's dev threes gave acc@1 0.557, twos to fours 0.555 (acc@5 0.701
and 0.717) at a fifth of the speed, threes to fives 0.534."""


@dataclass(frozen=True, slots=True, eq=False)
class NgramIndex:
    """Strings by their pieces; make it with `build_ngram_index`."""

    num_strings: int
    """``N``."""
    numbers: Mapping[str, int]
    """``V`` pieces to their numbers."""
    idf: NDArray[np.float64]
    """``(V,)``: how rare each piece is."""
    starts: NDArray[np.int64]
    """``(V + 1,)``: where each piece's strings begin in the two arrays below."""
    places: NDArray[np.int32]
    """Strings that hold a piece, piece after piece."""
    weights: NDArray[np.float64]
    """The piece's weight in each, for strings as vectors of length 1."""

    def cosines(self, text: str) -> NDArray[np.float64]:
        """``(N,)``: the cosine of a string to each; 0 for those that share no piece with it."""
        numbers, weights = _weigh(text, self.numbers, self.idf)
        total = np.zeros(self.num_strings)
        for number, weight in zip(numbers, weights, strict=True):
            piece = slice(self.starts[number], self.starts[number + 1])
            # Within a piece no string stands twice, so that adding by places loses nothing.
            total[self.places[piece]] += weight * self.weights[piece]
        return total


def build_ngram_index(texts: Sequence[str]) -> NgramIndex:
    """Index strings; equal pieces weigh less the more strings hold them."""
    counted = [Counter(_pieces(text)) for text in texts]
    held: Counter[str] = Counter()
    for counts in counted:
        held.update(counts.keys())
    numbers = {piece: number for number, piece in enumerate(held)}
    holders = np.fromiter(held.values(), dtype=np.float64, count=len(held))
    idf = np.log((1 + len(texts)) / (1 + holders)) + 1
    sizes = np.array([len(counts) for counts in counted], dtype=np.int64)
    total = int(sizes.sum())
    piece_of = np.fromiter(
        (numbers[piece] for counts in counted for piece in counts), dtype=np.int64, count=total
    )
    times = np.fromiter(
        (times for counts in counted for times in counts.values()), dtype=np.float64, count=total
    )
    place_of = np.repeat(np.arange(len(texts), dtype=np.int32), sizes)
    weights = (1 + np.log(times)) * idf[piece_of]
    lengths = np.sqrt(np.bincount(place_of, weights * weights, minlength=len(texts)))
    order = np.argsort(piece_of, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(piece_of, minlength=len(held)))])
    return NgramIndex(
        num_strings=len(texts),
        numbers=numbers,
        idf=idf,
        starts=starts.astype(np.int64),
        places=place_of[order],
        weights=(weights / lengths[place_of])[order],
    )


def _weigh(
    text: str, numbers: Mapping[str, int], idf: NDArray[np.float64]
) -> tuple[list[int], list[float]]:
    """The pieces that are known and their weights, of length 1 together."""
    counts = Counter(numbers[piece] for piece in _pieces(text) if piece in numbers)
    known = sorted(counts)  # so that equal strings have equal sums, whatever their word order
    times = np.array([counts[number] for number in known], dtype=np.float64)
    weights = (1 + np.log(times)) * idf[known]
    return known, (weights / np.sqrt(weights @ weights)).tolist() if known else []


def _pieces(text: str) -> list[str]:
    """The pieces of each word with a space before and after it."""
    pieces = []
    for word in text.split():
        padded = f" {word} "
        pieces += [padded[at : at + NUM_LETTERS] for at in range(len(padded) - NUM_LETTERS + 1)]
    return pieces
