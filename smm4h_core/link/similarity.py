"""Similarity of BERT vectors: one encoder for mentions and terms, near where they mean the same.

Method, section 5 (ii). Distances are Euclidean and never squared: the paper's margin and threshold
are cuts on them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling
from numpy.typing import NDArray
from torch import Tensor, nn

from smm4h_core.encoders.base import TextEncoder, TokenBatch, Tokeniser, pad_encodings
from smm4h_core.encoders.inference import run_batches
from smm4h_core.encoders.tokenise import TOKENISED_AT_ONCE

MARGIN = 5.0
"""The paper's, of raw vectors; unit vectors lie at most 2 apart and want some 0.2."""
TEMPERATURE = 0.05
"""Of the cosines in InfoNCE; SimCSE's (Gao et al., EMNLP 2021) and sentence-transformers' own."""

Vectors = NDArray[np.float32]
Loss = Literal["triplet", "info_nce"]


class SimilarityEncoder(nn.Module):
    """A text encoder whose pooled vector stands for a mention or a term."""

    def __init__(self, encoder: TextEncoder, *, unit_length: bool = False) -> None:
        super().__init__()
        self.encoder = encoder
        """Load it with ``pooling="mean"``, as the paper pools; native where it has its own way."""
        self.unit_length = unit_length
        """Whether vectors are scaled to length 1; sentence encoders were trained so."""

    def forward(self, tokens: TokenBatch) -> Tensor:
        """Vectors ``(B, H)``, float32."""
        pooled: Tensor = self.encoder(tokens).pooled.float()
        return F.normalize(pooled, dim=1) if self.unit_length else pooled

    def pretrained_parts(self) -> list[nn.Module]:
        """The encoder; there is nothing else."""
        return [self.encoder]


@dataclass(frozen=True, slots=True, eq=False)
class ContrastBatch:
    """Anchors with a positive and negatives each; a text is read once, however often it stands."""

    post_ids: tuple[str, ...]
    """``(B,)`` the anchors, for errors."""
    tokens: TokenBatch
    """``(U, L)`` the distinct texts."""
    concepts: Tensor
    """``(U,)`` int64: a number for each text's concept."""
    anchors: Tensor
    """``(B,)`` int64: rows of ``tokens``."""
    positives: Tensor
    """``(B,)`` int64: rows of ``tokens``, of the anchor's concept."""
    negatives: Tensor
    """``(B, K)`` int64: rows of ``tokens``, of other concepts; K may be 0 for InfoNCE."""


def triplet_loss(network: nn.Module, batch: ContrastBatch, *, margin: float = MARGIN) -> Tensor:
    """Mean of ``max(0, |a - p| - |a - n| + margin)`` over anchors and their negatives."""
    vectors = network(batch.tokens).float()
    anchors, positives = vectors[batch.anchors], vectors[batch.positives]  # (B, H)
    near = _distance(anchors, positives)  # (B,)
    far = _distance(anchors[:, None], vectors[batch.negatives])  # (B, K)
    return F.relu(near[:, None] - far + margin).mean()


def info_nce_loss(
    network: nn.Module, batch: ContrastBatch, *, temperature: float = TEMPERATURE
) -> Tensor:
    """Cross-entropy of each anchor's positive among the batch's positives and negatives.

    van den Oord et al. 2018, on cosines. Texts of the anchor's own concept, its positive apart,
    are no negatives and have no part in its sum.
    """
    vectors = F.normalize(network(batch.tokens).float(), dim=1)
    columns = torch.unique(torch.cat([batch.positives, batch.negatives.flatten()]))  # (M,)
    # bf16 would round cosines to 1/256, a tenth of a logit at this temperature.
    with torch.autocast(vectors.device.type, enabled=False):
        logits = vectors[batch.anchors] @ vectors[columns].T / temperature  # (B, M)
    same = batch.concepts[batch.anchors][:, None] == batch.concepts[columns]
    own = batch.positives[:, None] == columns
    logits = logits.masked_fill(same & ~own, -torch.inf)
    return F.cross_entropy(logits, own.int().argmax(dim=1))


def encode_texts(
    network: nn.Module,
    tokeniser: Tokeniser,
    texts: Sequence[str],
    *,
    max_length: int,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    batch_tokens: int | None = None,
) -> Vectors:
    """Vectors ``(N, H)`` of texts in their order; read by like length, each text once."""
    distinct = list(dict.fromkeys(texts))
    place = {text: n for n, text in enumerate(distinct)}
    encodings = [
        encoding
        for start in range(0, len(distinct), TOKENISED_AT_ONCE)
        for encoding in tokeniser.encode(
            distinct[start : start + TOKENISED_AT_ONCE], max_length=max_length
        )
    ]

    def forward(batch: list[int]) -> Tensor:
        tokens = pad_encodings([encodings[n] for n in batch], pad_id=tokeniser.pad_id)
        answer: Tensor = network(tokens.to(device))
        return answer

    vectors: Vectors | None = None
    lengths = [len(encoding.input_ids) for encoding in encodings]
    for batch, rows in run_batches(
        *(network, lengths, forward), dtype=dtype, device=device, batch_tokens=batch_tokens
    ):
        if vectors is None:
            vectors = np.empty((len(distinct), rows.shape[1]), dtype=np.float32)
        vectors[batch] = rows
    if vectors is None:
        return np.empty((0, 0), dtype=np.float32)
    return vectors[[place[text] for text in texts]]


class RememberedVectors:
    """Vectors of texts, each made once, until the network that makes them has changed."""

    def __init__(self, encode: Callable[[Sequence[str]], Vectors]) -> None:
        self.encode = encode
        """Makes vectors and remembers none."""
        self._known: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Vectors ``(N, H)`` of texts in their order."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self.encode(new), strict=True))
        if not texts:
            return np.empty((0, 0), dtype=np.float32)
        return np.stack([self._known[text] for text in texts])

    def forget(self) -> None:
        """The network has learnt: make all vectors anew."""
        self._known.clear()


def _distance(left: Tensor, right: Tensor) -> Tensor:
    """Euclidean, over the last axis; the floor keeps its gradient finite where both are one."""
    return (left - right).square().sum(dim=-1).clamp(min=1e-12).sqrt()
