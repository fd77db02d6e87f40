"""How a text and its post's molecules become one vector (the paper, section 2.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from smm4h_core.classify.molecules import MoleculeBatch, MoleculeTokenBatch, VectorBatch
from smm4h_core.encoders.base import EncoderOutput, TextEncoder

HEAD_SIZE = 64
"""Width of an attention head: the paper's encoders have H_t / 64 of them."""
ATTENTION_DROPOUT = 0.1
"""Between the attention's linear layer and the residual."""
CLOSED_GATE = -2.0
"""The gate's first bias: it lets a tenth of the molecule through until it learns better."""

Pool = Callable[[Tensor, Tensor], Tensor]
"""States ``(B, L, H_states)`` and mask ``(B, L)`` to one vector a text; `TextEncoder.pool`."""


class Concatenation(nn.Module):
    """``[text ; drug]``: the pooled text beside the mean, or maximum, of fixed drug vectors."""

    def __init__(
        self, text_size: int, molecule_size: int, *, pooling: Literal["mean", "max"]
    ) -> None:
        super().__init__()
        self.output_size = text_size + molecule_size
        self.pooling = pooling

    def forward(
        self, text: EncoderOutput, text_mask: Tensor, molecules: MoleculeBatch, pool: Pool
    ) -> Tensor:
        """``(B, H_t + H_m)``."""
        del text_mask, pool  # the text is pooled already
        assert isinstance(molecules, VectorBatch)
        drug = pool_vectors(molecules, self.pooling)  # (B, H_m)
        return torch.cat([text.pooled, drug.to(text.pooled.dtype)], dim=-1)


class Gated(nn.Module):
    """The pooled text plus the drug's vector, as far as a gate of both lets it through.

    ``t + sigmoid(W [t ; d]) * tanh(V d)``. ``V`` starts at zero and the gate nearly closed: it
    begins as text alone and takes chemistry up where that lowers the loss. Ours; the paper has no
    such network.
    """

    def __init__(
        self, text_size: int, molecule_size: int, *, pooling: Literal["mean", "max"]
    ) -> None:
        super().__init__()
        self.output_size = text_size
        self.pooling = pooling
        self.norm = nn.LayerNorm(molecule_size)
        self.project = nn.Linear(molecule_size, text_size)
        self.gate = nn.Linear(text_size + molecule_size, text_size)
        nn.init.constant_(self.gate.bias, CLOSED_GATE)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)

    def forward(
        self, text: EncoderOutput, text_mask: Tensor, molecules: MoleculeBatch, pool: Pool
    ) -> Tensor:
        """``(B, H_t)``."""
        del text_mask, pool
        assert isinstance(molecules, VectorBatch)
        drug = self.norm(pool_vectors(molecules, self.pooling))  # (B, H_m)
        gate = torch.sigmoid(self.gate(torch.cat([text.pooled, drug], dim=-1)))  # (B, H_t)
        return text.pooled + gate * torch.tanh(self.project(drug))


class CrossAttention(nn.Module):
    """The text's states query those of all of its post's molecules; both encoders learn.

    Query ``(B, L, H_t)``, key and value ``(B, T, H_m)``, H_t / 64 heads, then
    ``LayerNorm(dropout(Linear) + text)``, as in BERT's own attention; no feed-forward block
    follows. The outcome is pooled as the text encoder pools: its first position for BERTs.
    Padding of neither side is attended to. Without a molecule the one key is zero.

    The linear layer starts at zero, so that what was pretrained is not drowned before anything is
    learnt. An encoder that pools natively weighs states by their size, which a norm would level
    (the Universal Sentence Encoder's vector turns to a cosine of 0.42): it gets the sum as it is.
    Without the norm the sum grew without bounds within ten steps, and all posts got one answer; so
    there a single number that starts at zero scales what was attended (ReZero, Bachlechner et al.
    2021), and the linear layer starts as usual.
    """

    def __init__(self, text_encoder: TextEncoder, molecule_encoder: TextEncoder) -> None:
        super().__init__()
        size = text_encoder.states_size
        if size % HEAD_SIZE and size > HEAD_SIZE:
            raise ValueError(f"expected text states of a multiple of {HEAD_SIZE}, got {size}")
        self.output_size = text_encoder.hidden_size
        self.molecule_encoder = molecule_encoder
        self.attention = nn.MultiheadAttention(
            size,
            max(1, size // HEAD_SIZE),
            kdim=molecule_encoder.states_size,
            vdim=molecule_encoder.states_size,
            batch_first=True,
        )
        self.dropout = nn.Dropout(ATTENTION_DROPOUT)
        native = text_encoder.pooling == "native"
        self.norm = nn.Identity() if native else nn.LayerNorm(size, eps=1e-12)  # BERT's
        self.scale = nn.Parameter(torch.zeros(())) if native else None
        if not native:
            nn.init.zeros_(self.attention.out_proj.weight)

    def forward(
        self, text: EncoderOutput, text_mask: Tensor, molecules: MoleculeBatch, pool: Pool
    ) -> Tensor:
        """``(B, H_t)``, or the text encoder's pooled width where that is another."""
        assert isinstance(molecules, MoleculeTokenBatch)
        present = molecules.present  # (B, T)
        states = self.molecule_encoder(molecules.tokens).states.flatten(0, 1)  # (D * M, H_m)
        keys = states[molecules.places] * present[..., None].to(states.dtype)  # (B, T, H_m)
        masked = ~present & present.any(-1, keepdim=True)  # of no molecule, the zeros stay
        attended, _ = self.attention(
            text.states, keys, keys, key_padding_mask=masked, need_weights=False
        )  # (B, L, H_t)
        if self.scale is not None:
            attended = self.scale * attended
        fused = self.norm(self.dropout(attended) + text.states)
        return pool(fused, text_mask)


Fusion = Concatenation | Gated | CrossAttention
"""Each takes ``(text, text_mask, molecules, pool)`` and gives ``(B, output_size)``."""


def pool_vectors(molecules: VectorBatch, pooling: Literal["mean", "max"]) -> Tensor:
    """One vector a post ``(B, H_m)`` of its molecules' ``(B, K, H_m)``; zeros where it has none."""
    present = molecules.present[..., None]  # (B, K, 1)
    if pooling == "mean":
        return molecules.vectors.sum(1) / present.sum(1).clamp(min=1)
    greatest = molecules.vectors.masked_fill(~present, -torch.inf).amax(1)
    return torch.where(present.any(1), greatest, 0.0)
