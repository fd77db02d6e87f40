"""The network that is pretrained: a RoBERTa that restores tokens and knows substructures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForMaskedLM
from transformers.utils import logging

from smm4h_core.encoders.base import TokenBatch
from smm4h_core.pretraining.batches import MaskedBatch
from smm4h_core.pretraining.tokeniser import SPECIAL


class MoleculePretrainer(nn.Module):
    """RoBERTa with its language-model head, and a linear layer on the ``<s>`` state."""

    def __init__(self, model: RobertaForMaskedLM, *, fingerprint_bits: int) -> None:
        super().__init__()
        self.model = model
        self.substructures = (
            nn.Linear(model.config.hidden_size, fingerprint_bits) if fingerprint_bits else None
        )

    def forward(self, batch: TokenBatch) -> Tensor:
        """States of the last layer ``(B, M, H)``."""
        answer = self.model.roberta(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
        return cast(Tensor, answer.last_hidden_state)

    def restore(self, states: Tensor, places: Tensor) -> Tensor:
        """Logits ``(P, V)`` of the tokens at flat places; nothing is computed for the others."""
        return cast(Tensor, self.model.lm_head(states.flatten(0, 1)[places]))


def build_pretrainer(
    *,
    num_tokens: int,
    hidden_size: int,
    num_layers: int,
    num_heads: int,
    intermediate_size: int,
    max_length: int,
    dropout: float,
    fingerprint_bits: int,
) -> MoleculePretrainer:
    """Builds the network with random weights; seed torch before."""
    pad_id = SPECIAL.index("<pad>")
    config = RobertaConfig(
        vocab_size=num_tokens,
        hidden_size=hidden_size,
        num_hidden_layers=num_layers,
        num_attention_heads=num_heads,
        intermediate_size=intermediate_size,
        # RoBERTa counts positions from one past the padding's id.
        max_position_embeddings=max_length + pad_id + 1,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        type_vocab_size=1,
        bos_token_id=SPECIAL.index("<s>"),
        pad_token_id=pad_id,
        eos_token_id=SPECIAL.index("</s>"),
    )
    return MoleculePretrainer(RobertaForMaskedLM(config), fingerprint_bits=fingerprint_bits)


def pretraining_loss(
    network: nn.Module, batch: MaskedBatch, *, fingerprint_weight: float, device: torch.device
) -> Tensor:
    """Mean cross-entropy of the hidden tokens, plus that of the substructures, weighted."""
    assert isinstance(network, MoleculePretrainer)
    batch = batch.to(device)
    states = network(batch.shown)
    logits = network.restore(states, batch.places).float()
    loss = functional.cross_entropy(logits, batch.tokens, reduction="sum")
    loss = loss / max(1, len(batch.tokens))  # of a few short SMILES none may be hidden: 0, not NaN
    if network.substructures is not None:
        bits = network.substructures(states[:, 0]).float()  # (B, bits)
        loss = loss + fingerprint_weight * functional.binary_cross_entropy_with_logits(
            bits, batch.substructures
        )
    return loss


def save_encoder(
    network: MoleculePretrainer, tokeniser: PreTrainedTokenizerFast, folder: Path
) -> None:
    """Writes an ordinary Hugging Face folder: weights in float16, language-model head included."""
    folder.mkdir(parents=True, exist_ok=True)
    model = RobertaForMaskedLM(network.model.config)
    model.load_state_dict(network.model.state_dict())
    halved: nn.Module = model
    halved.to(torch.float16)
    with _no_progress():
        model.save_pretrained(folder)
    tokeniser.backend_tokenizer.no_truncation()  # which encoding had set, and files would keep
    tokeniser.save_pretrained(folder)


@contextmanager
def _no_progress() -> Iterator[None]:
    """A bar for one file of a few megabytes tells nobody anything."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
