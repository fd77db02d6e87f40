"""A linear-chain conditional random field over BIO tags, of which no sequence is ill-formed.

Lafferty, McCallum and Pereira, "Conditional random fields" (ICML 2001); forward-backward and
Viterbi in log space, over a batch of sequences at once. The linear head is the same chain with all
its scores at zero, so that both are decoded, and their probabilities computed, by one code.

Shapes: ``B`` sequences, ``W`` words, 3 tags. ``mask`` is True where there is a word; words stand
first, padding after them, and every sequence has a word.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from smm4h_core.extract.tags import INSIDE, NUM_TAGS, OUTSIDE

FORBIDDEN = -1e4
"""Score of what may not be. Its exponential is an exact zero in float32; an infinity would do too,
but makes NaN of a zero gradient."""


ChainRows = NDArray[np.float64]
"""``(5, 3)`` start, transitions from O, B and I, end."""


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Scores of tags in sequence; `FORBIDDEN` before ``I`` at the start and after ``O``."""

    start: Tensor
    """``(3,)`` of a tag at the first word."""
    transitions: Tensor
    """``(3, 3)`` from a tag (row) to the next word's (column)."""
    end: Tensor
    """``(3,)`` of a tag at the last word."""

    @classmethod
    def of_rows(cls, rows: ChainRows) -> Chain:
        """The chain that `rows` gave."""
        scores = torch.from_numpy(rows)
        return cls(scores[0], scores[1:-1], scores[-1])

    def rows(self) -> ChainRows:
        """Its scores as one array."""
        stacked = torch.vstack([self.start, self.transitions, self.end])
        exact: ChainRows = stacked.detach().cpu().double().numpy()
        return exact

    def to(self, device: torch.device, dtype: torch.dtype) -> Chain:
        """The same chain elsewhere, in another precision."""
        return Chain(*(each.to(device, dtype) for each in (self.start, self.transitions, self.end)))


@dataclass(frozen=True, slots=True, eq=False)
class Messages:
    """What forward-backward finds of a batch, in log space."""

    alpha: Tensor
    """``(B, W, 3)`` all beginnings that end in a tag at a word, its emission included."""
    beta: Tensor
    """``(B, W, 3)`` all ways on from a tag at a word, its emission left out."""
    log_partition: Tensor
    """``(B,)`` all sequences."""


def plain_chain() -> Chain:
    """The linear head's: nothing but what is forbidden."""
    start, transitions = torch.zeros(NUM_TAGS), torch.zeros(NUM_TAGS, NUM_TAGS)
    start[INSIDE] = FORBIDDEN
    transitions[OUTSIDE, INSIDE] = FORBIDDEN
    return Chain(start, transitions, torch.zeros(NUM_TAGS))


class Crf(nn.Module):
    """The chain's scores, learnt; they begin at zero."""

    allowed_start: Tensor
    allowed_transitions: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.zeros(NUM_TAGS))
        self.transitions = nn.Parameter(torch.zeros(NUM_TAGS, NUM_TAGS))
        self.end = nn.Parameter(torch.zeros(NUM_TAGS))
        plain = plain_chain()
        self.register_buffer("allowed_start", plain.start, persistent=False)
        self.register_buffer("allowed_transitions", plain.transitions, persistent=False)

    def forward(self) -> Chain:
        """The chain, through which gradients flow."""
        return Chain(
            self.start + self.allowed_start, self.transitions + self.allowed_transitions, self.end
        )


def negative_log_likelihood(emissions: Tensor, tags: Tensor, mask: Tensor, chain: Chain) -> Tensor:
    """``(B,)`` of well-formed tags ``(B, W)``, given emissions ``(B, W, 3)``."""
    return log_partition(emissions, mask, chain) - score_tags(emissions, tags, mask, chain)


def score_tags(emissions: Tensor, tags: Tensor, mask: Tensor, chain: Chain) -> Tensor:
    """The unnormalised log score ``(B,)`` of tags ``(B, W)``; tags of padding may be any."""
    tags = tags.where(mask, 0)
    own = emissions.gather(2, tags[:, :, None]).squeeze(2)  # (B, W)
    moves = chain.transitions[tags[:, :-1], tags[:, 1:]]  # (B, W - 1)
    last = tags.gather(1, mask.sum(1, keepdim=True) - 1).squeeze(1)  # (B,)
    return (
        (own * mask).sum(1)
        + (moves * mask[:, 1:]).sum(1)
        + chain.start[tags[:, 0]]
        + chain.end[last]
    )


def log_partition(emissions: Tensor, mask: Tensor, chain: Chain) -> Tensor:
    """The log of all sequences' scores together ``(B,)``."""
    return torch.logsumexp(_forward(emissions, mask, chain)[-1] + chain.end, dim=1)


def forward_backward(emissions: Tensor, mask: Tensor, chain: Chain) -> Messages:
    """All sequences' scores through each tag of each word."""
    alphas = _forward(emissions, mask, chain)
    beta = chain.end.expand_as(emissions[:, 0])
    betas = [beta]
    for word in range(emissions.shape[1] - 1, 0, -1):
        onwards = chain.transitions + (emissions[:, word] + beta)[:, None, :]  # (B, from, to)
        # At a sequence's last word, and in the padding, the end's scores are all there is.
        beta = torch.logsumexp(onwards, dim=2).where(mask[:, word, None], chain.end)
        betas.append(beta)
    total = torch.logsumexp(alphas[-1] + chain.end, dim=1)
    return Messages(torch.stack(alphas, 1), torch.stack(betas[::-1], 1), total)


def viterbi(emissions: Tensor, mask: Tensor, chain: Chain) -> Tensor:
    """The best sequence's tags ``(B, W)``, always well-formed; `OUTSIDE` in the padding.

    Of equals the tag that comes first in the order O, B, I.
    """
    best = chain.start + emissions[:, 0]  # (B, 3)
    stay = torch.arange(NUM_TAGS, device=emissions.device).expand_as(best)
    origins = []
    for word in range(1, emissions.shape[1]):
        score, origin = (best[:, :, None] + chain.transitions).max(dim=1)
        here = mask[:, word, None]
        best = (score + emissions[:, word]).where(here, best)
        origins.append(origin.where(here, stay))
    tag = (best + chain.end).argmax(dim=1)  # (B,)
    tags = [tag]
    for origin in reversed(origins):
        tag = origin.gather(1, tag[:, None]).squeeze(1)
        tags.append(tag)
    return torch.stack(tags[::-1], 1).where(mask, OUTSIDE)


def _forward(emissions: Tensor, mask: Tensor, chain: Chain) -> list[Tensor]:
    """``alpha`` of `Messages` word by word; carried on unchanged through the padding."""
    alpha = chain.start + emissions[:, 0]
    alphas = [alpha]
    for word in range(1, emissions.shape[1]):
        onwards = torch.logsumexp(alpha[:, :, None] + chain.transitions, dim=1)
        alpha = (onwards + emissions[:, word]).where(mask[:, word, None], alpha)
        alphas.append(alpha)
    return alphas
