"""Word logits of many posts: the one way that evaluation, batch prediction and serving take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smm4h_core.encoders.inference import run_batches
from smm4h_core.extract.encode import WordedPost
from smm4h_core.extract.network import Tagger, make_word_batch, windows_with_words
from smm4h_core.extract.tags import NUM_TAGS
from smm4h_core.extract.windows import best_windows

WordLogits = NDArray[np.float64]
"""``(P, 3)`` of a post's words that have a word-piece (`WordedPost.pieced`), by tag O, B, I."""


def predict_word_logits(
    network: Tagger,
    posts: Sequence[WordedPost],
    *,
    pad_id: int,
    dtype: torch.dtype,
    device: torch.device,
    batch_tokens: int | None = None,
) -> list[WordLogits]:
    """Word logits of each post in order, whatever order the batches took.

    A word that several windows read is answered by one (`best_windows`). ``batch_tokens`` is the
    device's own unless given.
    """
    windows = windows_with_words(posts)
    lengths = [len(posts[i].windows[n].encoding.input_ids) for i, n in windows]
    answers: list[list[WordLogits]] = [[_no_words()] * len(post.windows) for post in posts]

    def forward(batch: list[int]) -> Tensor:
        chosen = [windows[i] for i in batch]
        answer: Tensor = network(make_word_batch(posts, chosen, pad_id=pad_id, device=device))
        return answer

    for batch, logits in run_batches(
        *(network, lengths, forward), dtype=dtype, device=device, batch_tokens=batch_tokens
    ):
        for row, place in zip(logits.astype(np.float64), batch, strict=True):  # (B, W, 3)
            index, number = windows[place]
            answers[index][number] = row[: len(posts[index].windows[number].words)]
    return [_merge(post, by_window) for post, by_window in zip(posts, answers, strict=True)]


def _merge(post: WordedPost, by_window: Sequence[WordLogits]) -> WordLogits:
    if len(by_window) == 1:
        return by_window[0]
    best = best_windows(post.windows, len(post.words))
    merged = np.empty((len(post.words), NUM_TAGS))
    for number, (window, logits) in enumerate(zip(post.windows, by_window, strict=True)):
        chosen = best[window.words] == number
        merged[window.words[chosen]] = logits[chosen]
    return merged[post.pieced]


def _no_words() -> WordLogits:
    return np.empty((0, NUM_TAGS))
