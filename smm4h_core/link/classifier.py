"""The concept classifier: a softmax over the concepts that training mentions name.

Method, section 5 (i). It never answers a concept that training lacks; the similarity encoder does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling
from numpy.typing import NDArray
from torch import Tensor, nn

from smm4h_core.classify.probability import check_prob
from smm4h_core.encoders.base import Encoding, TextEncoder, TokenBatch, Tokeniser, pad_encodings
from smm4h_core.encoders.inference import run_batches
from smm4h_core.errors import DataError
from smm4h_core.link.candidates import rank_scored, read_mention
from smm4h_core.types import Candidate

LABEL_SMOOTHING = 0.1
"""Szegedy et al. (CVPR 2016), section 7: their value; the paper has none."""
CONTEXT_MARK = " : "
"""Parts a mention from its post, where the classifier reads that too."""

Cosines = NDArray[np.float32]


class ConceptClassifier(nn.Module):
    """Encoder, dropout and a linear layer; on TF-IDF cosines too, where it reads them."""

    def __init__(
        self,
        encoder: TextEncoder,
        *,
        num_concepts: int,
        dropout: float = 0.1,
        reads_cosines: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.reads_cosines = reads_cosines
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.hidden_size, num_concepts)
        # Each cosine speaks for its own concept: a full matrix would be C squared weights.
        self.cosine_weight = nn.Parameter(torch.ones(num_concepts)) if reads_cosines else None

    def forward(self, tokens: TokenBatch, cosines: Tensor | None = None) -> Tensor:
        """Logits ``(B, C)``, float32, of word-pieces ``(B, L)`` and cosines ``(B, C)``."""
        logits: Tensor = self.head(self.dropout(self.encoder(tokens).pooled)).float()
        if self.cosine_weight is not None:
            assert cosines is not None
            logits = logits + self.cosine_weight * cosines
        return logits

    def pretrained_parts(self) -> list[nn.Module]:
        """The encoder; the layer is new."""
        return [self.encoder]


@dataclass(frozen=True, slots=True, eq=False)
class ConceptBatch:
    """Some mentions with their concepts."""

    post_ids: tuple[str, ...]
    """``(B,)`` the mentions, for errors."""
    tokens: TokenBatch
    """``(B, L)`` their word-pieces."""
    concepts: Tensor
    """``(B,)`` int64: places among the concepts."""
    cosines: Tensor | None = None
    """``(B, C)`` TF-IDF cosines; None for a network that reads none."""


@dataclass(frozen=True, slots=True)
class ConceptAnswer:
    """What the classifier says of a mention."""

    candidates: tuple[Candidate, ...]
    """Concepts, best first; the score is the softmax's prob. None for an empty mention."""
    prob: float
    """The best concept's prob, in [0, 1]."""
    margin: float
    """How far it stands above the second, in [0, 1]."""


def training_concepts(concept_ids: Sequence[str]) -> tuple[str, ...]:
    """The concepts of training mentions, each once, sorted: the order of the logits."""
    concepts = tuple(sorted(set(concept_ids)))
    if not concepts:
        raise DataError("classifier: expected mentions with concepts, got none")
    return concepts


def mention_text(mention: str, context: str | None = None) -> str:
    """What the classifier reads: the mention, and where its post is given that after it.

    The mention stands first, so that truncation takes the post's end.
    """
    read = read_mention(mention)
    return read if context is None else f"{read}{CONTEXT_MARK}{' '.join(context.split())}"


def make_concept_batch(
    texts: Sequence[str],
    encodings: Sequence[Encoding],
    concepts: Sequence[int],
    *,
    pad_id: int,
    device: torch.device,
    cosines: Cosines | None = None,
) -> ConceptBatch:
    """Stack mentions into one batch on ``device``."""
    return ConceptBatch(
        post_ids=tuple(texts),
        tokens=pad_encodings(encodings, pad_id=pad_id).to(device),
        concepts=torch.tensor(concepts, dtype=torch.int64, device=device),
        cosines=None if cosines is None else torch.from_numpy(cosines).to(device),
    )


def concept_loss(
    network: nn.Module, batch: ConceptBatch, *, label_smoothing: float = LABEL_SMOOTHING
) -> Tensor:
    """Mean cross-entropy over the concepts, with smoothed labels."""
    logits = network(batch.tokens, batch.cosines)
    return F.cross_entropy(logits, batch.concepts, label_smoothing=label_smoothing)


def predict_concepts(
    network: ConceptClassifier,
    tokeniser: Tokeniser,
    texts: Sequence[str],
    *,
    max_length: int,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    cosines: Cosines | None = None,
    batch_tokens: int | None = None,
) -> NDArray[np.float64]:
    """Probs ``(N, C)`` of texts (`mention_text`) in their order, each row summing to 1."""
    encodings = tokeniser.encode(texts, max_length=max_length)

    def forward(batch: list[int]) -> Tensor:
        tokens = pad_encodings([encodings[n] for n in batch], pad_id=tokeniser.pad_id)
        chosen = None if cosines is None else torch.from_numpy(cosines[batch]).to(device)
        answer: Tensor = network(tokens.to(device), chosen)
        return answer

    logits = np.empty((len(texts), network.head.out_features), dtype=np.float64)
    lengths = [len(encoding.input_ids) for encoding in encodings]
    for batch, rows in run_batches(
        *(network, lengths, forward), dtype=dtype, device=device, batch_tokens=batch_tokens
    ):
        logits[batch] = rows
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True)) if len(logits) else logits
    probs: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return probs


def read_answers(
    mentions: Sequence[str],
    probs: NDArray[np.float64],
    concepts: Sequence[str | None],
    names: Sequence[str],
    *,
    num_candidates: int = 10,
) -> list[ConceptAnswer]:
    """Candidates, prob and margin of probs ``(N, C)``, a member's or a mean over members.

    Args:
        mentions: ``(N,)``; an empty one has no candidates and prob 0.
        probs: As `predict_concepts` answers.
        concepts: ``(C,)`` their ids, in the order of the logits; None is never proposed.
        names: ``(C,)`` their preferred terms.
        num_candidates: Most candidates of an answer.

    Raises:
        DataError: shapes that disagree, or an element that is no probability.
    """
    if not len(mentions):
        return []
    checked = check_prob(probs, "probs", ndim=2)
    if checked.shape != (len(mentions), len(concepts)) or len(names) != len(concepts):
        raise DataError(f"probs: expected ({len(mentions)}, {len(concepts)}), got {checked.shape}")
    answers = []
    # One more than wanted, for the margin's sake; of equals at the cut all are looked at.
    wanted = min(max(num_candidates, 2), len(concepts))
    cuts = np.partition(checked, -wanted, axis=1)[:, -wanted]
    for mention, row, cut in zip(mentions, checked, cuts, strict=True):
        if not read_mention(mention):
            answers.append(ConceptAnswer((), 0.0, 0.0))
            continue
        scored = (
            (concept_id, names[n], float(row[n]))
            for n in np.flatnonzero(row >= cut).tolist()
            if (concept_id := concepts[n]) is not None
        )
        ranked = rank_scored(scored, "classifier")
        best, second = (*(each.score for each in ranked[:2]), 0.0, 0.0)[:2]
        answers.append(ConceptAnswer(ranked[:num_candidates], best, best - second))
    return answers
