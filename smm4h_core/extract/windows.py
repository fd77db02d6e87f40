"""Long posts in overlapping windows: nothing is truncated, short posts are as they were.

A window is a stretch of the text that begins and ends at words, tokenised for itself, so that it
holds for every tokeniser and starts and ends with its special tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from smm4h_core.encoders.base import Encoding, Tokeniser
from smm4h_core.errors import ConfigError
from smm4h_core.extract.words import Stretch, first_pieces

UNLIMITED = 1_000_000
"""Word-pieces asked for where a whole post is wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A stretch of a post that fits the encoder."""

    encoding: Encoding
    """Its word-pieces; offsets are those of the whole normalised text."""
    words: NDArray[np.int64]
    """``(V,)`` which words of the post it reads, in order: those with a word-piece of their own."""
    pieces: NDArray[np.int64]
    """``(V,)`` the first word-piece of each."""


def check_stride(stride: int, *, max_length: int, tokeniser: Tokeniser) -> None:
    """Refuse an overlap that leaves windows no room to go on.

    Raises:
        ConfigError: naming the room that there is.
    """
    room = _room(tokeniser, max_length)
    if not 0 <= stride < room:
        raise ConfigError(
            f"stride: expected 0 <= stride < {room}, the word-pieces that a window of "
            f"{max_length} has room for beside its special tokens; got {stride}"
        )


def cut_windows(
    text: str,
    words: Sequence[Stretch],
    whole: Encoding,
    tokeniser: Tokeniser,
    *,
    max_length: int,
    stride: int,
) -> tuple[Window, ...]:
    """One window of a text that fits, as many as it takes of another.

    Args:
        text: Normalised.
        words: Its words.
        whole: All its word-pieces, `UNLIMITED`.
        tokeniser: Cuts the windows' texts.
        max_length: Most word-pieces of a window, special tokens included.
        stride: Word-pieces that a window shares with the one before it, as words allow.
    """
    firsts = np.array(first_pieces(words, whole.offsets), dtype=np.int64)
    pieced = np.flatnonzero(firsts >= 0)
    if len(whole.input_ids) <= max_length:
        return (Window(whole, pieced, firsts[pieced]),)
    if len(pieced) == 0:
        (encoding,) = tokeniser.encode([text], max_length=max_length)
        return (Window(encoding, pieced, pieced),)
    quoting = np.flatnonzero([begins < ends for begins, ends in whole.offsets])
    at = np.append(firsts[pieced], quoting[-1] + 1)  # special tokens have room of their own
    starts = [*(words[word][0] for word in pieced.tolist()), len(text)]
    room = _room(tokeniser, max_length)
    # What stands before the first word belongs to it, unless it is endless.
    if at[0] - quoting[0] <= room // 2:
        at[0], starts[0] = quoting[0], 0
    windows: list[Window] = []
    first = 0
    while True:
        fits = int(np.searchsorted(at, at[first] + room, side="right")) - 1
        last = max(first + 1, min(fits, len(pieced)))
        while True:
            wanted, stretch = pieced[first:last], (starts[first], starts[last])
            window = _read(text, words, wanted, stretch, tokeniser, max_length)
            # Cut elsewhere, a text may take more pieces than within the whole.
            if last == first + 1 or not _lost_its_end(window, wanted):
                break
            last -= 1
        windows.append(window)
        if last == len(pieced):
            return tuple(windows)
        shared = int(np.searchsorted(at, at[last] - stride, side="left"))
        first = min(last, max(first + 1, shared))


def best_windows(windows: Sequence[Window], num_words: int) -> NDArray[np.int64]:
    """For each word of a post ``(num_words,)`` the window that answers for it; -1 where none does.

    That is the one in which the word is farthest from an edge, counted in words, since context is
    what an edge lacks; the post's own ends are no edges. Of equals the first.
    """
    best = np.full(num_words, -1, dtype=np.int64)
    distance = np.full(num_words, -1.0)
    for index, window in enumerate(windows):
        size = len(window.words)
        left = np.arange(size) if index else np.full(size, np.inf)
        right = np.arange(size)[::-1] if index < len(windows) - 1 else np.full(size, np.inf)
        here = np.minimum(left, right).astype(np.float64)
        better = here > distance[window.words]
        best[window.words[better]] = index
        distance[window.words[better]] = here[better]
    return best


def _room(tokeniser: Tokeniser, max_length: int) -> int:
    (empty,) = tokeniser.encode([""], max_length=max_length)
    return max_length - len(empty.input_ids)


def _read(
    text: str,
    words: Sequence[Stretch],
    wanted: NDArray[np.int64],
    stretch: Stretch,
    tokeniser: Tokeniser,
    max_length: int,
) -> Window:
    start, end = stretch
    # Some tokenisers have another piece for a word that a space precedes.
    while start > 0 and text[start - 1].isspace():
        start -= 1
    (encoding,) = tokeniser.encode([text[start:end]], max_length=max_length)
    offsets = [(begins + start, ends + start) for begins, ends in encoding.offsets]
    pieces = np.array(first_pieces([words[i] for i in wanted.tolist()], offsets), dtype=np.int64)
    has = pieces >= 0
    return Window(replace(encoding, offsets=offsets), wanted[has], pieces[has])


def _lost_its_end(window: Window, wanted: NDArray[np.int64]) -> bool:
    return window.encoding.truncated and wanted[-1] not in window.words
