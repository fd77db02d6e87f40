"""The classification networks of the paper, and their loss.

The paper (section 2.3): a fully-connected network with one hidden layer, GELU, dropout 0.3 and a
sigmoid, on the text encoder's vector or on its fusion with the post's molecules; trained with
binary cross-entropy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling
from torch import Tensor, nn

from smm4h_core.classify.fusion import CrossAttention, Fusion
from smm4h_core.classify.molecules import MoleculeBatch
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
    molecules: MoleculeBatch | None = None
    """Their molecules; None for a network of text alone."""


class Classifier(nn.Module):
    """Text encoder, fusion with molecules where there is one, and head; answers logits."""

    def __init__(
        self, encoder: TextEncoder, *, dropout: float, fusion: Fusion | None = None
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.fusion = fusion
        size = encoder.hidden_size if fusion is None else fusion.output_size
        self.head = build_head(size, dropout=dropout)

    def forward(self, tokens: TokenBatch, molecules: MoleculeBatch | None = None) -> Tensor:
        """Logits ``(B,)``, float32, of word-pieces ``(B, L)`` and the posts' molecules."""
        text = self.encoder(tokens)
        fused = text.pooled  # (B, H)
        if self.fusion is not None:
            assert molecules is not None
            fused = self.fusion(text, tokens.attention_mask, molecules, self.encoder.pool)
        logits: Tensor = self.head(fused).squeeze(-1)  # (B,)
        return logits.float()

    def pretrained_parts(self) -> list[nn.Module]:
        """The encoders that are trained; whatever else the network has is new."""
        if isinstance(self.fusion, CrossAttention):
            return [self.encoder, self.fusion.molecule_encoder]
        return [self.encoder]


def build_head(input_size: int, *, dropout: float) -> nn.Sequential:
    """Dropout, hidden layer of the input's width, GELU, dropout, one logit."""
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(input_size, input_size),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(input_size, 1),
    )


def make_batch(
    post_ids: Sequence[str],
    encodings: Sequence[Encoding],
    labels: Sequence[bool],
    *,
    pad_id: int,
    device: torch.device,
    molecules: MoleculeBatch | None = None,
) -> LabelledBatch:
    """Stack tokenised posts into one batch on ``device``."""
    return LabelledBatch(
        post_ids=tuple(post_ids),
        tokens=pad_encodings(encodings, pad_id=pad_id).to(device),
        labels=torch.tensor(labels, dtype=torch.float32, device=device),
        molecules=molecules,
    )


def classification_loss(network: nn.Module, batch: LabelledBatch) -> Tensor:
    """Mean binary cross-entropy with logits over the batch."""
    logits = network(batch.tokens, batch.molecules)
    return F.binary_cross_entropy_with_logits(logits, batch.labels)
