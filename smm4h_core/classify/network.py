"""The text-only network of the paper, and its loss.

The paper (section 2.3): a fully-connected network with one hidden layer, GELU, dropout 0.3 and a
sigmoid on the text encoder's vector, trained with binary cross-entropy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling
from torch import Tensor, nn

from smm4h_core.encoders.base import Encoding, TextEncoder, TokenBatch, pad_encodings


@dataclass(frozen=True, slots=True)
class LabelledBatch:
    """Some posts, tokenised, with their labels."""

    post_ids: tuple[str, ...]
    """Which posts, in order."""
    tokens: TokenBatch
    """Their word-pieces, ``(B, L)``."""
    labels: Tensor
    """``(B,)`` float32: 1 for ADE, 0 for none."""


class TextClassifier(nn.Module):
    """Text encoder and head; answers logits."""

    def __init__(self, encoder: TextEncoder, *, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = build_head(encoder.hidden_size, dropout=dropout)

    def forward(self, tokens: TokenBatch) -> Tensor:
        """Logits ``(B,)``, float32, of word-pieces ``(B, L)``."""
        pooled = self.encoder(tokens).pooled  # (B, H)
        logits: Tensor = self.head(pooled).squeeze(-1)  # (B,)
        return logits.float()


def build_head(hidden_size: int, *, dropout: float) -> nn.Sequential:
    """Dropout, hidden layer of the same width, GELU, dropout, one logit."""
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(hidden_size, hidden_size),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden_size, 1),
    )


def make_batch(
    post_ids: Sequence[str],
    encodings: Sequence[Encoding],
    labels: Sequence[bool],
    *,
    pad_id: int,
    device: torch.device,
) -> LabelledBatch:
    """Stack tokenised posts into one batch on ``device``."""
    return LabelledBatch(
        post_ids=tuple(post_ids),
        tokens=pad_encodings(encodings, pad_id=pad_id).to(device),
        labels=torch.tensor(labels, dtype=torch.float32, device=device),
    )


def classification_loss(network: nn.Module, batch: LabelledBatch) -> Tensor:
    """Mean binary cross-entropy with logits over the batch."""
    return F.binary_cross_entropy_with_logits(network(batch.tokens), batch.labels)
