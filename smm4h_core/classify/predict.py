"""Logits of many posts: the one way that evaluation, batch prediction and serving compute them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from smm4h_core.classify.molecules import PostMolecules
from smm4h_core.classify.network import Classifier
from smm4h_core.classify.probability import Logit
from smm4h_core.encoders.base import Encoding, pad_encodings
from smm4h_core.encoders.inference import run_batches


def predict_logits(
    network: Classifier,
    encodings: Sequence[Encoding],
    *,
    pad_id: int,
    dtype: torch.dtype,
    device: torch.device,
    molecules: PostMolecules | None = None,
    batch_tokens: int | None = None,
) -> Logit:
    """Logits ``(N,)`` in the order of ``encodings``, whatever order the batches took."""

    def forward(batch: list[int]) -> Tensor:
        tokens = pad_encodings([encodings[i] for i in batch], pad_id=pad_id).to(device)
        drugs = None if molecules is None else molecules.batch(batch, device)
        answer: Tensor = network(tokens, drugs)
        return answer

    logits = np.empty(len(encodings), dtype=np.float64)
    lengths = [len(encoding.input_ids) for encoding in encodings]
    for batch, answer in run_batches(
        *(network, lengths, forward), dtype=dtype, device=device, batch_tokens=batch_tokens
    ):
        logits[batch] = answer
    return Logit(logits)
