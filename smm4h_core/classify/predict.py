"""Logits of many posts: the one way that evaluation, batch prediction and serving compute them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from smm4h_core.classify.molecules import PostMolecules
from smm4h_core.classify.network import Classifier
from smm4h_core.classify.probability import Logit
from smm4h_core.encoders.base import Encoding, pad_encodings
from smm4h_core.text.batching import inference_batches
from smm4h_core.training.precision import autocast

INFERENCE_TOKENS = 4096
"""Word-pieces in a batch without gradients; larger ones gain nothing on a CPU core's caches."""


def predict_logits(
    network: Classifier,
    encodings: Sequence[Encoding],
    *,
    pad_id: int,
    dtype: torch.dtype,
    device: torch.device,
    molecules: PostMolecules | None = None,
    batch_tokens: int = INFERENCE_TOKENS,
) -> Logit:
    """Logits ``(N,)`` in the order of ``encodings``, whatever order the batches took."""
    was_training = network.training
    network.eval()
    logits = np.empty(len(encodings), dtype=np.float64)
    lengths = [len(encoding.input_ids) for encoding in encodings]
    with torch.inference_mode(), autocast(dtype, device):
        for batch in inference_batches(lengths, batch_tokens=batch_tokens):
            tokens = pad_encodings([encodings[i] for i in batch], pad_id=pad_id).to(device)
            drugs = None if molecules is None else molecules.batch(batch, device)
            logits[batch] = network(tokens, drugs).cpu().numpy()
    network.train(was_training)
    return Logit(logits)
