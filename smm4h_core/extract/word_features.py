"""What a word looks like: the features that taggers read before there were encoders.

A linear-chain CRF over them is hard to beat where little is annotated and the encoder knows the
language poorly. For networks they are hashed ("feature hashing", Weinberger et al., ICML 2009), so
that no list of features is kept and unseen ones cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from smm4h_core.extract.stems import stem_word
from smm4h_core.extract.words import Stretch

NEIGHBOURS = (-2, -1, 0, 1, 2)
"""Words whose features count for a word, by their places from it."""
PAIRS = (-1, 0)
"""Places of the first words of two whose stems count together."""
HASH_BITS = 17
NUM_BUCKETS = 1 << HASH_BITS
"""Features told apart, but for collisions; the first stands for none."""
_OWN = ("w", "stem", "pre", "suf2", "suf3", "shape", "after")
NUM_FEATURES = len(_OWN) * len(NEIGHBOURS) + len(PAIRS)
"""Features of a word."""
# Odd multipliers, one a place: the golden ratio's bits and what powers of it leave.
_GOLDEN = 0x9E3779B97F4A7C15
_MULTIPLIERS = np.array(
    [pow(_GOLDEN, n, 1 << 64) for n in range(1, len(NEIGHBOURS) + 2 * len(PAIRS) + 1)], np.uint64
)
_EDGE = crc32(b"edge")


def describe_words(text: str, words: Sequence[Stretch]) -> list[dict[str, str]]:
    """Each word's own features by name: form, stem, prefix, suffixes, shape, what comes after.

    Args:
        text: A normalised text.
        words: ``(W,)`` where its words stand.
    """
    return [
        dict(zip(_OWN, (*_look(word), after), strict=True)) for word, after in _cut(text, words)
    ]


def hash_words(text: str, words: Sequence[Stretch]) -> NDArray[np.int32]:
    """``(W, NUM_FEATURES)`` buckets of each word's features and its neighbours'; 0 is none."""
    if not words:
        return np.zeros((0, NUM_FEATURES), np.int32)
    own = np.array(
        [(*_hash_look(word), _hash_after(after)) for word, after in _cut(text, words)], np.uint64
    )  # (W, len(_OWN))
    beyond = max(map(abs, NEIGHBOURS))
    edge = np.zeros((beyond, len(_OWN)), np.uint64)
    edge[:, 0] = _EDGE
    padded = np.concatenate([edge, own, edge])
    num_words = len(words)
    parts = [
        padded[beyond + place : beyond + place + num_words] * _MULTIPLIERS[index]
        for index, place in enumerate(NEIGHBOURS)
    ]
    stems = padded[:, _OWN.index("stem")]
    rest = _MULTIPLIERS[len(NEIGHBOURS) :].reshape(len(PAIRS), 2)
    for (first, second), place in zip(rest, PAIRS, strict=True):
        start = beyond + place
        one, other = (stems[start + step : start + step + num_words] for step in (0, 1))
        both = np.where((one > 0) & (other > 0), one * first + other * second, np.uint64(0))
        parts.append(both[:, None])
    # Multiply-shift: the product's highest bits; no feature stays none, none becomes none.
    products = np.concatenate(parts, axis=1)
    buckets = 1 + (products >> np.uint64(64 - HASH_BITS)) % np.uint64(NUM_BUCKETS - 1)
    return np.where(products > 0, buckets, np.uint64(0)).astype(np.int32)


def _cut(text: str, words: Sequence[Stretch]) -> Iterator[tuple[str, str]]:
    """Each word, and the first sign between it and the next one."""
    for (start, end), (following, _) in zip(words, (*words[1:], (len(text), 0)), strict=False):
        yield text[start:end], text[end:following].strip()[:1]


@lru_cache(maxsize=65_536)
def _look(word: str) -> tuple[str, ...]:
    low = word.casefold()
    return low, stem_word(word), low[:3], low[-2:], low[-3:], _shape(word)


@lru_cache(maxsize=65_536)
def _hash_look(word: str) -> tuple[int, ...]:
    return tuple(_hash(name, value) for name, value in zip(_OWN, _look(word), strict=False))


@lru_cache(maxsize=4096)
def _hash_after(sign: str) -> int:
    return _hash(_OWN[-1], sign)


def _hash(name: str, value: str) -> int:
    return 1 + crc32(f"{name}={value}".encode("utf-8", "surrogatepass"))


def _shape(word: str) -> str:
    """Runs of capitals, small letters and digits, one sign each: ``Xx`` of "Seroquel"."""
    kinds = [
        "X" if c.isupper() else "x" if c.islower() else "9" if c.isdigit() else c for c in word
    ]
    return "".join(kind for i, kind in enumerate(kinds) if i == 0 or kind != kinds[i - 1])
