"""Word logits of many posts: the one way that evaluation, batch prediction and serving take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from smm4h_core.extract.encode import WordedPost
from smm4h_core.extract.network import Tagger, make_word_batch, windows_with_words
from smm4h_core.extract.tags import NUM_TAGS
from smm4h_core.extract.windows import best_windows
from smm4h_core.text.batching import inference_batches
from smm4h_core.training.precision import autocast

CPU_TOKENS, GPU_TOKENS = 1024, 4096
"""Word-pieces in a batch without gradients. On a core, 1024 stay in its caches where 4096 do not:
a fifth less time in fp32."""

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
    was_training = network.training
    network.eval()
    windows = windows_with_words(posts)
    lengths = [len(posts[i].windows[n].encoding.input_ids) for i, n in windows]
    answers: list[list[WordLogits]] = [[_no_words()] * len(post.windows) for post in posts]
    if batch_tokens is None:
        batch_tokens = CPU_TOKENS if device.type == "cpu" else GPU_TOKENS
    with torch.inference_mode(), autocast(dtype, device):
        for batch in inference_batches(lengths, batch_tokens=batch_tokens):
            chosen = [windows[i] for i in batch]
            words = make_word_batch(posts, chosen, pad_id=pad_id, device=device)
            logits = network(words).cpu().numpy().astype(np.float64)  # (B, W, 3)
            for row, (index, number) in zip(logits, chosen, strict=True):
                answers[index][number] = row[: len(posts[index].windows[number].words)]
    network.train(was_training)
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
