from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import RobertaForMaskedLM

from smm4h_core.encoders.base import TokenBatch, pad_encodings
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.pretraining.batches import MaskedBatch
from smm4h_core.pretraining.evaluate import (
    commonest_token,
    count_restored,
    masked_accuracy,
    unigram_accuracy,
)
from smm4h_core.pretraining.network import (
    MoleculePretrainer,
    build_pretrainer,
    pretraining_loss,
    save_encoder,
)
from smm4h_core.pretraining.tokeniser import build_smiles_tokeniser

CPU = torch.device("cpu")


def build(*, fingerprint_bits: int = 16) -> MoleculePretrainer:
    torch.manual_seed(0)
    return build_pretrainer(
        num_tokens=204,
        hidden_size=32,
        num_layers=2,
        num_heads=2,
        intermediate_size=64,
        max_length=24,
        dropout=0.0,
        fingerprint_bits=fingerprint_bits,
    )


@pytest.fixture
def batch() -> MaskedBatch:
    """Two molecules, of which the second is padded; one hidden token in each, two in the first."""
    ids = torch.tensor([[0, 10, 4, 12, 4, 2], [0, 4, 11, 2, 1, 1]])
    return MaskedBatch(
        TokenBatch(ids, ids != 1),
        torch.tensor([2, 4, 7]),
        torch.tensor([11, 13, 10]),
        torch.eye(2, 16),
        ("one", "other"),
    )


def gradient_of_first_states(network: MoleculePretrainer, batch: MaskedBatch) -> Tensor:
    """Gradient of the loss to the last states at position 0, the molecules' vectors."""
    kept: list[Tensor] = []

    def keep(_module: object, _given: object, states: Tensor) -> None:
        states.retain_grad()
        kept.append(states)

    with network.model.roberta.encoder.layer[-1].output.register_forward_hook(keep):
        pretraining_loss(network, batch, fingerprint_weight=1.0, device=CPU).backward()
    assert kept[0].grad is not None
    return kept[0].grad[:, 0]


def test_masked_tokens_alone_never_train_a_molecule_s_vector(batch: MaskedBatch) -> None:
    assert gradient_of_first_states(build(fingerprint_bits=0), batch).abs().max() == 0
    assert gradient_of_first_states(build(), batch).abs().max() > 0


def test_loss_is_the_tokens_plus_the_weighted_substructures(batch: MaskedBatch) -> None:
    network = build()
    light, heavy = (
        pretraining_loss(network, batch, fingerprint_weight=w, device=CPU).item() for w in (0, 2)
    )
    states = network(batch.shown)
    expected = torch.nn.functional.cross_entropy(
        network.model.lm_head(states)[[0, 0, 1], [2, 4, 1]], batch.tokens
    )
    assert light == pytest.approx(expected.item(), abs=1e-5)
    assert heavy - light == pytest.approx(2 * 0.69, abs=0.2)


def test_loss_of_a_batch_without_a_hidden_token_is_that_of_its_substructures(
    batch: MaskedBatch,
) -> None:
    nothing = torch.zeros(0, dtype=torch.int64)
    bare = MaskedBatch(batch.shown, nothing, nothing, batch.substructures, batch.post_ids)
    loss = pretraining_loss(build(), bare, fingerprint_weight=1.0, device=CPU)
    assert loss.item() == pytest.approx(0.69, abs=0.1)
    loss = pretraining_loss(build(fingerprint_bits=0), bare, fingerprint_weight=0.0, device=CPU)
    loss.backward()
    assert loss.item() == 0


def test_restored_tokens_are_counted_by_molecule(batch: MaskedBatch) -> None:
    network = build()
    logits = network.restore(network(batch.shown), batch.places)
    right = MaskedBatch(
        batch.shown,
        batch.places,
        torch.stack([logits[0].argmax(), logits[1].argmin(), logits[2].argmax()]),
        batch.substructures,
        batch.post_ids,
    )
    assert count_restored(network, [right], device=CPU).tolist() == [[1, 2], [1, 1]]
    assert masked_accuracy(network, [right], device=CPU) == pytest.approx(2 / 3)


def test_unigram_guesses_the_commonest_token(batch: MaskedBatch) -> None:
    assert unigram_accuracy([batch], commonest=13) == pytest.approx(1 / 3)
    tokeniser = load_text_encoder("package:smm4h_core/encoders/smiles").tokeniser
    (carbon,) = tokeniser.encode(["C"], max_length=8)[0].input_ids[1:-1]
    assert commonest_token(["CCO", "CN"], tokeniser) == carbon


def test_saved_encoder_is_the_network_rounded_to_half_precision(tmp_path: Path) -> None:
    network = build().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(5)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    save_encoder(network, build_smiles_tokeniser(max_length=24), tmp_path)
    assert all(torch.equal(before[n], t) for n, t in network.state_dict().items())
    loaded = load_text_encoder(str(tmp_path), pooling="cls")
    for name, tensor in loaded.encoder.model.state_dict().items():
        assert tensor.dtype in (torch.float32, torch.int64)
        assert torch.equal(tensor, before[f"model.roberta.{name}"].half().to(tensor.dtype)), name

    encodings = loaded.tokeniser.encode(["CCO", "", "c1ccccc1Cl"], max_length=24)
    shown = pad_encodings(encodings, pad_id=loaded.tokeniser.pad_id)
    with torch.inference_mode():
        ours, theirs = network(shown)[:, 0], loaded.encoder(shown).pooled
    assert (ours - theirs).abs().max() < 0.02
    assert (ours[0] - ours[2]).abs().max() > 0.1
    again = RobertaForMaskedLM.from_pretrained(tmp_path, dtype=torch.float32)
    assert torch.equal(
        again.lm_head.decoder.weight, before["model.lm_head.decoder.weight"].half().float()
    )
