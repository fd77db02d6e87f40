"""BERT's layers over a batch without its padding.

Word-pieces of all texts stand side by side, ``(T, H)``, and all but the attention takes them one by
one. Texts of one length attend together, so that nothing is padded or masked there either.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from smm4h_core.encoders.base import TokenBatch

MODEL_TYPES = frozenset({"bert", "roberta", "xlm-roberta"})
"""As configurations call them; importing the classes would delay the first answer."""
MOST_SCORES = 1 << 18
"""Attention scores computed at once: in fp32 they are a megabyte, which stays in a core's cache."""
VECTOR = 16
"""Numbers that a core of today takes at once."""


def can_pack(model: PreTrainedModel) -> bool:
    """Whether the layers are those of BERT, by their names and their order."""
    return model.config.model_type in MODEL_TYPES and not model.config.is_decoder


def encode_packed(model: Any, batch: TokenBatch) -> Tensor:
    """States of the last layer ``(B, L, H)``, zero where the batch is padded.

    As the model's own, but for the order in which sums are taken. For evaluation alone: attention
    drops nothing out.

    Args:
        model: One that `can_pack` tells of.
        batch: Texts, padded on the right.
    """
    mask = batch.attention_mask
    lengths = mask.sum(1)
    order = lengths.argsort(stable=True)
    texts, columns = mask[order].nonzero(as_tuple=True)
    rows = order[texts]
    groups = [
        (length, len(list(same))) for length, same in groupby(lengths[order].tolist()) if length
    ]
    embedded: Tensor = model.embeddings(input_ids=batch.input_ids)
    states = embedded[rows, columns]  # (T, H)
    for layer in model.encoder.layer:
        attention = layer.attention
        heads = attention.self
        attended = _attend(
            *(project(states) for project in (heads.query, heads.key, heads.value)),
            groups=groups,
            num_heads=heads.num_attention_heads,
        )
        states = layer.feed_forward_chunk(attention.output(attended, states))
    answer = states.new_zeros(*mask.shape, states.shape[-1])
    answer[rows, columns] = states
    return answer


def _attend(
    queries: Tensor, keys: Tensor, values: Tensor, *, groups: list[tuple[int, int]], num_heads: int
) -> Tensor:
    """Softmax attention ``(T, H)`` within each text of groups of one length and a number."""
    attended, start = torch.empty_like(values), 0
    size = queries.shape[1] // num_heads
    for length, number in groups:
        most = max(1, MOST_SCORES // (length * length))  # heads, of as many texts as they fill
        num_texts, heads = max(1, most // num_heads), min(most, num_heads)
        for done in range(0, number, num_texts):
            end = start + min(num_texts, number - done) * length
            q, k, v, answer = (
                each[start:end].view(-1, length, num_heads, size).transpose(1, 2)
                for each in (queries, keys, values, attended)
            )  # (N, heads, length, size)
            for head in range(0, num_heads, heads):
                some = slice(head, head + heads)
                scores = (q[:, some] @ k[:, some].transpose(2, 3)).float().mul_(size**-0.5)
                answer[:, some] = _softmax(scores).to(v.dtype) @ v[:, some]
            start = end
    return attended


def _softmax(scores: Tensor) -> Tensor:
    """Over the last axis; torch's own takes a row shorter than a vector number by number."""
    if scores.shape[-1] >= VECTOR:
        return scores.softmax(-1)
    weights = (scores - scores.amax(-1, keepdim=True)).exp_()
    return weights.div_(weights.sum(-1, keepdim=True))
