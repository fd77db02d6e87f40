from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from smm4h_core.classify.network import (
    Classifier,
    build_head,
    classification_loss,
    make_batch,
)
from smm4h_core.classify.predict import predict_logits
from smm4h_core.encoders.base import pad_encodings
from smm4h_core.encoders.load import load_text_encoder

CPU = torch.device("cpu")
TEXTS = [
    "seroquel made me sleep for days",
    "my head hurts",
    "took my meds, feeling fine, thanks for asking how i am today",
    "no",
    "",
]


@pytest.fixture
def parts(tiny_bert: Path):
    torch.manual_seed(0)
    loaded = load_text_encoder(str(tiny_bert))
    return Classifier(loaded.encoder, dropout=0.3), loaded.tokeniser


def test_head_is_the_papers() -> None:
    head = build_head(8, dropout=0.3)
    kinds = [type(layer) for layer in head]
    assert kinds == [nn.Dropout, nn.Linear, nn.GELU, nn.Dropout, nn.Linear]
    assert [layer.p for layer in head if isinstance(layer, nn.Dropout)] == [0.3, 0.3]
    shapes = [tuple(layer.weight.shape) for layer in head if isinstance(layer, nn.Linear)]
    assert shapes == [(8, 8), (1, 8)]


def test_classifier_equals_a_plain_recomputation(parts) -> None:
    network, tokeniser = parts
    network.eval()
    tokens = pad_encodings(tokeniser.encode(TEXTS, max_length=32), pad_id=tokeniser.pad_id)
    hidden = network.encoder.model(
        input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
    ).last_hidden_state[:, 0]
    first, last = network.head[1], network.head[4]
    inner = hidden @ first.weight.T + first.bias
    inner = inner * 0.5 * (1 + torch.erf(inner / 2**0.5))
    expected = (inner @ last.weight.T + last.bias)[:, 0]
    assert torch.allclose(network(tokens), expected, atol=1e-6)


def test_predict_logits_of_one_equal_those_of_many_in_any_order(parts) -> None:
    network, tokeniser = parts
    encodings = tokeniser.encode(TEXTS, max_length=32)
    options = {"pad_id": tokeniser.pad_id, "dtype": torch.float32, "device": CPU}
    together = predict_logits(network, encodings, **options)
    alone = [predict_logits(network, [encoding], **options)[0] for encoding in encodings]
    turned = predict_logits(network, encodings[::-1], **options)[::-1]
    assert together == pytest.approx(alone, abs=1e-5)
    assert together == pytest.approx(turned, abs=1e-5)


def test_predict_logits_leaves_the_network_as_it_was(parts) -> None:
    network, tokeniser = parts
    network.train()
    encodings = tokeniser.encode(TEXTS, max_length=32)
    first = predict_logits(network, encodings, pad_id=0, dtype=torch.float32, device=CPU)
    second = predict_logits(network, encodings, pad_id=0, dtype=torch.float32, device=CPU)
    assert network.training
    assert (first == second).all()  # no dropout while predicting


def test_classifier_overfits_sixteen_posts(parts) -> None:
    network, tokeniser = parts
    texts = [f"post {word} {n}" for n in range(8) for word in ("hurts", "helps")]
    labels = [word == 0 for _ in range(8) for word in (0, 1)]
    batch = make_batch(
        texts,
        tokeniser.encode(texts, max_length=32),
        labels,
        pad_id=tokeniser.pad_id,
        device=CPU,
    )
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(60):
        loss = classification_loss(network, batch)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    network.eval()
    assert classification_loss(network, batch) < 0.05
    assert ((network(batch.tokens) > 0) == batch.labels.bool()).all()


def test_classification_loss_is_mean_cross_entropy(parts) -> None:
    network, tokeniser = parts
    network.eval()
    encodings = tokeniser.encode(TEXTS, max_length=32)
    labels = [True, True, False, False, True]
    batch = make_batch("abcde", encodings, labels, pad_id=tokeniser.pad_id, device=CPU)
    prob = torch.sigmoid(network(batch.tokens))
    right = torch.where(batch.labels.bool(), prob, 1 - prob)
    assert torch.allclose(classification_loss(network, batch), -right.log().mean(), atol=1e-6)
