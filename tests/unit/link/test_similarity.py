from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from smm4h_core.encoders.base import LoadedEncoder, TokenBatch
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.link.similarity import (
    ContrastBatch,
    SimilarityEncoder,
    Vectors,
    encode_texts,
    info_nce_loss,
    triplet_loss,
)

CPU = torch.device("cpu")
Encode = Callable[[Sequence[str]], Vectors]


class Table(nn.Module):
    """Vectors by their first word-piece."""

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.tensor(rows))

    def forward(self, tokens: TokenBatch) -> torch.Tensor:
        return self.rows[tokens.input_ids[:, 0]]


def batch(concepts: list[int], positives: list[int], negatives: list[list[int]]) -> ContrastBatch:
    ids = torch.arange(len(concepts))[:, None]
    return ContrastBatch(
        post_ids=tuple("a" * len(positives)),
        tokens=TokenBatch(ids, torch.ones_like(ids, dtype=torch.bool)),
        concepts=torch.tensor(concepts),
        anchors=torch.arange(len(positives)),
        positives=torch.tensor(positives),
        negatives=torch.tensor(negatives, dtype=torch.int64).reshape(len(positives), -1),
    )


@pytest.fixture(scope="module")
def loaded(tiny_bert: Path) -> LoadedEncoder:
    return load_text_encoder(str(tiny_bert), pooling="mean")


@pytest.fixture(scope="module")
def encode(loaded: LoadedEncoder) -> Encode:
    network = SimilarityEncoder(loaded.encoder)

    def encode(texts: Sequence[str], **options: int) -> Vectors:
        return encode_texts(network, loaded.tokeniser, texts, max_length=64, device=CPU, **options)

    return encode


def test_triplet_loss_is_the_paper_s_with_plain_distances() -> None:
    network = Table([[0.0, 0.0], [3.0, 4.0], [0.0, 6.0], [8.0, 0.0]])
    loss = triplet_loss(network, batch([0, 0, 1, 2], [1], [[2, 3]]), margin=5.0)
    assert loss.item() == pytest.approx(((5 - 6 + 5) + (5 - 8 + 5)) / 2)


def test_triplet_loss_is_nothing_beyond_the_margin() -> None:
    network = Table([[0.0, 0.0], [0.0, 1.0], [0.0, 9.0]])
    loss = triplet_loss(network, batch([0, 0, 1], [1], [[2]]), margin=5.0)
    assert loss.item() == 0


def test_triplet_loss_has_a_finite_gradient_where_texts_meet() -> None:
    network = Table([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    torch.autograd.backward(triplet_loss(network, batch([0, 0, 1], [1], [[2]])))
    assert network.rows.grad is not None
    assert network.rows.grad.isfinite().all()


def test_info_nce_loss_is_the_cross_entropy_of_the_positive() -> None:
    network = Table([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    loss = info_nce_loss(network, batch([0, 1, 0, 1], [2, 3], []), temperature=0.5)
    assert loss.item() == pytest.approx(-np.log(np.exp(2) / (np.exp(2) + 1)), rel=1e-5)


def test_info_nce_loss_takes_no_other_term_of_the_concept_for_a_negative() -> None:
    rows = [[1.0, 0.0], [1.0, 0.1], [1.0, 0.2], [0.0, 1.0]]
    alone = info_nce_loss(Table(rows), batch([0, 0, 0, 1], [2], [[3]]))
    beside = info_nce_loss(Table(rows), batch([0, 0, 0, 1], [2], [[3, 1]]))
    other = info_nce_loss(Table(rows), batch([0, 2, 0, 1], [2], [[3, 1]]))
    assert beside.item() == pytest.approx(alone.item())
    assert other.item() > alone.item() + 0.1


def test_info_nce_loss_compares_cosines_in_full_precision() -> None:
    rows = [[1.0, 0.0], [1.0, 0.051], [1.0, 0.052]]
    texts = batch([0, 0, 1], [1], [[2]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        within = info_nce_loss(Table(rows), texts)
    assert within.item() == info_nce_loss(Table(rows), texts).item()


def test_encode_texts_answers_in_order_whatever_the_batches(encode: Encode) -> None:
    texts = ["headache", "a", "dry mouth and weight gain", "", "headache", "тошнота"]
    together = encode(texts)
    assert together.shape == (6, 32)
    assert together == pytest.approx(np.concatenate([encode([each]) for each in texts]), abs=1e-5)
    assert together == pytest.approx(encode(texts, batch_tokens=1), abs=1e-5)
    assert (together[0] == together[4]).all()


def test_encode_texts_of_nothing_is_nothing(encode: Encode) -> None:
    assert len(encode([])) == 0


def test_similarity_encoder_scales_to_length_one_where_asked(loaded: LoadedEncoder) -> None:
    network = SimilarityEncoder(loaded.encoder, unit_length=True)
    rows = encode_texts(network, loaded.tokeniser, ["ache", "x"], max_length=64, device=CPU)
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1])


def test_similarity_encoder_reads_a_mention_of_ten_thousand_characters(encode: Encode) -> None:
    assert np.isfinite(encode(["pain " * 2000])).all()
