"""How well hidden tokens are restored, and how well without reading the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from smm4h_core.encoders.base import Tokeniser
from smm4h_core.pretraining.batches import MaskedBatch
from smm4h_core.pretraining.network import MoleculePretrainer


@torch.inference_mode()
def count_restored(
    network: MoleculePretrainer, batches: Sequence[MaskedBatch], *, device: torch.device
) -> NDArray[np.float64]:
    """Hidden tokens restored and asked for ``(N, 2)``, by molecule, in float32."""
    counts = []
    for each in batches:
        batch = each.to(device)
        logits = network.restore(network(batch.shown), batch.places)
        right = logits.argmax(-1) == batch.tokens  # (P,)
        molecule = (batch.places // batch.shown.input_ids.shape[1]).cpu()
        of_batch = torch.zeros(len(batch.post_ids), 2, dtype=torch.float64)
        both = torch.stack([right, torch.ones_like(right)], 1).cpu().double()
        counts.append(of_batch.index_add(0, molecule, both))
    return torch.cat(counts).numpy()


def masked_accuracy(
    network: MoleculePretrainer, batches: Sequence[MaskedBatch], *, device: torch.device
) -> float:
    """Share of the hidden tokens that the network restores."""
    right, asked = count_restored(network, batches, device=device).sum(0)
    return float(right / asked)


def unigram_accuracy(batches: Sequence[MaskedBatch], *, commonest: int) -> float:
    """Share of the hidden tokens that are the commonest one: what guessing blindly restores."""
    tokens = torch.cat([batch.tokens for batch in batches])
    return float((tokens == commonest).float().mean())


def commonest_token(smiles: Sequence[str], tokeniser: Tokeniser) -> int:
    """The token that stands most often in SMILES; of several the smallest id."""
    counts: Counter[int] = Counter()
    for encoding in tokeniser.encode(smiles, max_length=10**6):
        counts.update(encoding.input_ids[1:-1])
    return min(counts, key=lambda token: (-counts[token], token))
