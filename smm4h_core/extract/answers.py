"""What taggers say of posts: one model's answers, and those of a seed's folds as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from smm4h_core.extract.crf import plain_chain
from smm4h_core.extract.decode import ScoredSpan, extract_spans, mean_logits, tag_marginals
from smm4h_core.extract.encode import WordedPost, WordPlaces
from smm4h_core.extract.network import Tagger
from smm4h_core.extract.predict import predict_word_logits

TagProbs = NDArray[np.float64]
"""``(P, 3)`` of a post's words, by tag O, B, I: the chain's marginals."""


@dataclass(frozen=True, slots=True, eq=False)
class TaggerAnswers:
    """Answers on posts, in their order."""

    spans: list[tuple[ScoredSpan, ...]]
    """Each post's mentions."""
    tag_probs: list[TagProbs] | None
    """Each post's words; None where nobody asked for them."""

    def asked_probs(self) -> list[TagProbs]:
        """``tag_probs``, which were asked for."""
        assert self.tag_probs is not None
        return self.tag_probs


def answer_posts(
    network: Tagger,
    posts: Sequence[WordedPost],
    places: Sequence[WordPlaces],
    *,
    pad_id: int,
    dtype: torch.dtype,
    device: torch.device,
    with_tag_probs: bool = True,
) -> TaggerAnswers:
    """One network's answers.

    Args:
        network: On ``device``.
        posts: As encoded.
        places: Where their words stand, `WordedPost.places`.
        pad_id: Fills a batch.
        dtype: Of matrix products.
        device: Where to compute.
        with_tag_probs: Whether words are answered too, which folds and means are joined by.
    """
    logits = predict_word_logits(network, posts, pad_id=pad_id, dtype=dtype, device=device)
    chain = network.chain()
    tag_probs = tag_marginals(logits, chain) if with_tag_probs else None
    return TaggerAnswers(extract_spans(places, logits, chain), tag_probs)


def join_folds(folds: Sequence[TaggerAnswers], places: Sequence[WordPlaces]) -> TaggerAnswers:
    """A seed's answer on posts that none of its folds trained on.

    That of its only fold, or what the mean of the folds' tag probabilities says.

    Raises:
        DataError: folds that answer other posts or words.
    """
    if len(folds) == 1:
        return folds[0]
    logits = mean_logits([fold.asked_probs() for fold in folds])
    return TaggerAnswers(
        spans=extract_spans(places, logits, plain_chain()),
        tag_probs=[np.exp(each) for each in logits],
    )
