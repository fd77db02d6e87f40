"""What taggers say of posts: one model's answers, and those of a seed's folds as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from smm4h_core.extract.decode import (
    PostScores,
    ScoredSpan,
    extract_scored,
    extract_spans,
    mean_scores,
)
from smm4h_core.extract.encode import WordedPost, WordPlaces
from smm4h_core.extract.network import Tagger
from smm4h_core.extract.predict import predict_word_logits


@dataclass(frozen=True, slots=True, eq=False)
class TaggerAnswers:
    """Answers on posts, in their order."""

    spans: list[tuple[ScoredSpan, ...]]
    """Each post's mentions."""
    scores: list[PostScores] | None
    """What they follow from; None where nobody asked for it."""

    def asked_scores(self) -> list[PostScores]:
        """``scores``, which were asked for."""
        assert self.scores is not None
        return self.scores


def answer_posts(
    network: Tagger,
    posts: Sequence[WordedPost],
    places: Sequence[WordPlaces],
    *,
    pad_id: int,
    dtype: torch.dtype,
    device: torch.device,
    with_scores: bool = True,
) -> TaggerAnswers:
    """One network's answers.

    Args:
        network: On ``device``.
        posts: As encoded.
        places: Where their words stand, `WordedPost.places`.
        pad_id: Fills a batch.
        dtype: Of matrix products.
        device: Where to compute.
        with_scores: Whether to answer what folds and means are joined by, too.
    """
    logits = predict_word_logits(network, posts, pad_id=pad_id, dtype=dtype, device=device)
    chain = network.chain()
    rows = chain.rows()
    scores = [PostScores(each, rows) for each in logits] if with_scores else None
    return TaggerAnswers(extract_spans(places, logits, chain), scores)


def join_folds(folds: Sequence[TaggerAnswers], places: Sequence[WordPlaces]) -> TaggerAnswers:
    """A seed's answer on posts that none of its folds trained on.

    That of its only fold, or what the mean of the folds' scores says.

    Raises:
        DataError: folds that answer other posts or words.
    """
    if len(folds) == 1:
        return folds[0]
    scores = mean_scores([fold.asked_scores() for fold in folds])
    return TaggerAnswers(extract_scored(places, scores), scores)
