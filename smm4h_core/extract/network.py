"""The tagger, its batches and its loss.

Method section 4: each word's dictionary tag goes through an embedding of three dimensions, is
joined to the encoder's state of the word's first word-piece, and a linear layer answers a logit a
tag; a conditional random field on top is optional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling
from numpy.typing import NDArray
from torch import Tensor, nn

from smm4h_core.encoders.base import TextEncoder, TokenBatch, pad_encodings
from smm4h_core.extract.crf import Chain, Crf, negative_log_likelihood, plain_chain
from smm4h_core.extract.encode import WordedPost
from smm4h_core.extract.tags import NUM_TAGS, GoldTags, repair_tags
from smm4h_core.extract.word_features import NUM_BUCKETS

Head = Literal["linear", "crf"]
HEADS: tuple[Head, ...] = get_args(Head)
TERM_TAG_SIZE = 3
"""Dimensions of a dictionary tag, as in the paper's line of work."""

WindowAt = tuple[int, int]
"""Which post, and which of its windows."""


@dataclass(frozen=True, slots=True, eq=False)
class WordBatch:
    """Some windows, ready for the network; words are those with a word-piece of their own."""

    tokens: TokenBatch
    """Their word-pieces ``(B, L)``."""
    pieces: Tensor
    """``(B, W)`` int64: each word's first word-piece; 0 in the padding."""
    mask: Tensor
    """``(B, W)`` bool: True where there is a word."""
    term_tags: Tensor | None
    """``(B, W)`` int64: the dictionary's tags; None without a dictionary."""
    features: Tensor | None
    """``(B, W, F)`` int64: hashed features of the words; None where the network reads none."""


@dataclass(frozen=True, slots=True, eq=False)
class TaggedBatch:
    """Some windows with their gold tags."""

    post_ids: tuple[str, ...]
    """``(B,)`` the windows' posts."""
    words: WordBatch
    """What the network reads."""
    tags: Tensor
    """``(B, W)`` int64, well-formed in each window; `smm4h_core.extract.tags.OUTSIDE` in the
    padding, which the mask keeps out of the loss."""
    weights: Tensor
    """``(B,)`` float32: how much each window's words count in the loss."""


class Tagger(nn.Module):
    """Encoder, embedding of dictionary tags where it reads them, and head.

    Beside them a log-linear model of the words' own features, where it reads those: their scores
    are added to the head's ("wide and deep", Cheng et al., DLRS 2016).
    """

    def __init__(
        self,
        encoder: TextEncoder,
        *,
        dropout: float,
        head: Head,
        reads_terms: bool,
        word_features: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.term_tags = nn.Embedding(NUM_TAGS, TERM_TAG_SIZE) if reads_terms else None
        size = encoder.states_size + (TERM_TAG_SIZE if reads_terms else 0)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(size, NUM_TAGS)
        self.crf = Crf() if head == "crf" else None
        self.word_features: nn.Embedding | None = None
        if word_features:
            self.word_features = nn.Embedding(NUM_BUCKETS, NUM_TAGS, padding_idx=0)
            nn.init.zeros_(self.word_features.weight)  # as log-linear models start

    def forward(self, words: WordBatch) -> Tensor:
        """Logits ``(B, W, 3)``, float32; meaningless in the padding."""
        states = self.encoder(words.tokens).states  # (B, L, H)
        width = states.shape[2]
        features = states.gather(1, words.pieces[:, :, None].expand(-1, -1, width))  # (B, W, H)
        if self.term_tags is not None:
            assert words.term_tags is not None
            terms = self.term_tags(words.term_tags).to(features.dtype)  # (B, W, 3)
            features = torch.cat([features, terms], dim=2)
        logits: Tensor = self.head(self.dropout(features)).float()
        if self.word_features is not None:
            assert words.features is not None
            scores = self.word_features(words.features).float()  # (B, W, F, 3)
            kept = self.dropout(torch.ones_like(scores[..., :1]))  # a feature falls as a whole
            logits = logits + (scores * kept).sum(dim=2)
        return logits

    def chain(self) -> Chain:
        """What the head knows of tags in sequence."""
        if self.crf is not None:
            learnt: Chain = self.crf()
            return learnt
        return plain_chain().to(self.head.weight.device, torch.float32)

    def pretrained_parts(self) -> list[nn.Module]:
        """The encoder; whatever else the network has is new."""
        return [self.encoder]


def windows_with_words(posts: Sequence[WordedPost]) -> list[WindowAt]:
    """Every window that has a word to tag, post by post."""
    return [
        (index, number)
        for index, post in enumerate(posts)
        for number, window in enumerate(post.windows)
        if len(window.words)
    ]


def make_word_batch(
    posts: Sequence[WordedPost], chosen: Sequence[WindowAt], *, pad_id: int, device: torch.device
) -> WordBatch:
    """Stack windows into one batch on ``device``."""
    windows = [posts[index].windows[number] for index, number in chosen]
    term_tags = []
    for (index, _), window in zip(chosen, windows, strict=True):
        tags = posts[index].term_tags
        if tags is not None:
            term_tags.append(tags[window.words])
    assert len(term_tags) in (0, len(windows))
    own = [posts[index].features for index, _ in chosen]
    features = [
        each[window.words] for each, window in zip(own, windows, strict=True) if each is not None
    ]
    assert len(features) in (0, len(windows))
    longest = max(len(window.words) for window in windows)
    sizes = torch.tensor([len(window.words) for window in windows])
    return WordBatch(
        tokens=pad_encodings([each.encoding for each in windows], pad_id=pad_id).to(device),
        pieces=_stack([window.pieces for window in windows]).to(device),
        mask=(torch.arange(longest) < sizes[:, None]).to(device),
        term_tags=_stack(term_tags).to(device) if term_tags else None,
        features=_stack(features).to(device) if features else None,
    )


def make_tagged_batch(
    posts: Sequence[WordedPost],
    gold: Sequence[GoldTags],
    chosen: Sequence[WindowAt],
    *,
    pad_id: int,
    device: torch.device,
    weights: Sequence[float] | None = None,
) -> TaggedBatch:
    """Stack windows with their gold tags; ``weights`` are the posts', 1 where there are none.

    A mention that a window cuts begins anew in it, and so does one whose first word has no
    word-piece: its tags are repaired.
    """
    tags = [
        repair_tags(gold[index].tags[posts[index].windows[number].words])
        for index, number in chosen
    ]
    return TaggedBatch(
        post_ids=tuple(posts[index].post_id for index, _ in chosen),
        words=make_word_batch(posts, chosen, pad_id=pad_id, device=device),
        tags=_stack(tags).to(device),
        weights=torch.tensor(
            [weights[index] if weights is not None else 1.0 for index, _ in chosen], device=device
        ),
    )


def tagging_loss(network: nn.Module, batch: TaggedBatch) -> Tensor:
    """Weighted mean over words: cross-entropy, or the sequence's negative log-likelihood (CRF).

    Padding, special tokens, word-pieces after a word's first and words without one have no part
    in it.
    """
    assert isinstance(network, Tagger)
    logits, mask = network(batch.words), batch.words.mask
    by_word = batch.weights[:, None].expand_as(mask)[mask]  # of every word in the batch
    if network.crf is None:
        losses = F.cross_entropy(logits[mask], batch.tags[mask], reduction="none")
        return (losses * by_word).sum() / by_word.sum()
    losses = negative_log_likelihood(logits, batch.tags, mask, network.chain())  # (B,)
    return (losses * batch.weights).sum() / by_word.sum()


def _stack(rows: Sequence[NDArray[np.integer]]) -> Tensor:
    """``(B, W, ...)`` int64, padded on the right with zeros."""
    stacked = np.zeros((len(rows), max(map(len, rows)), *rows[0].shape[1:]), dtype=np.int64)
    for row, values in zip(stacked, rows, strict=True):
        row[: len(values)] = values
    return torch.from_numpy(stacked)
