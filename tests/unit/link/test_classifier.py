from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from smm4h_core.encoders.base import LoadedEncoder
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.errors import DataError
from smm4h_core.link.classifier import (
    ConceptBatch,
    ConceptClassifier,
    concept_loss,
    make_concept_batch,
    mention_text,
    predict_concepts,
    read_answers,
    training_concepts,
)
from smm4h_core.training.fit import fit
from smm4h_core.training.optimisation import build_schedule

CPU = torch.device("cpu")
MENTIONS = [f"{chr(97 + n) * 3} ache" for n in range(16)]


@pytest.fixture
def loaded(tiny_bert: Path) -> LoadedEncoder:
    torch.manual_seed(0)
    return load_text_encoder(str(tiny_bert), pooling="mean")


def batch_of(loaded: LoadedEncoder, cosines: np.ndarray | None = None) -> ConceptBatch:
    encodings = loaded.tokeniser.encode(MENTIONS, max_length=32)
    pad_id = loaded.tokeniser.pad_id
    return make_concept_batch(
        MENTIONS, encodings, list(range(16)), pad_id=pad_id, device=CPU, cosines=cosines
    )


@pytest.mark.parametrize("reads_cosines", [False, True])
def test_classifier_learns_sixteen_mentions_by_heart(
    loaded: LoadedEncoder, reads_cosines: bool
) -> None:
    network = ConceptClassifier(
        loaded.encoder, num_concepts=16, dropout=0.0, reads_cosines=reads_cosines
    )
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    cosines = np.zeros((16, 16), dtype=np.float32) if reads_cosines else None
    batch = batch_of(loaded, cosines)
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)

    def predict() -> np.ndarray:
        return predict_concepts(
            network, loaded.tokeniser, MENTIONS, max_length=32, device=CPU, cosines=cosines
        )

    result = fit(
        network,
        draw_batches=lambda _: [batch],
        loss_of=concept_loss,
        evaluate=lambda _: float((predict().argmax(axis=1) == np.arange(16)).mean()),
        optimiser=optimiser,
        schedule=build_schedule(optimiser, schedule="constant", warmup_fraction=0, num_steps=1),
        epochs=120,
        device=CPU,
    )

    assert result.score == 1.0
    assert predict().sum(axis=1) == pytest.approx(np.ones(16))


def test_classifier_answers_alike_alone_and_among_others(loaded: LoadedEncoder) -> None:
    network = ConceptClassifier(loaded.encoder, num_concepts=5)

    def predict(texts: list[str]) -> np.ndarray:
        return predict_concepts(network, loaded.tokeniser, texts, max_length=32, device=CPU)

    alone = np.concatenate([predict([text]) for text in MENTIONS])
    assert predict(MENTIONS) == pytest.approx(alone, abs=1e-6)
    assert predict([]).shape == (0, 5)


def test_classifier_takes_a_cosine_for_its_own_concept(loaded: LoadedEncoder) -> None:
    network = ConceptClassifier(loaded.encoder, num_concepts=3, reads_cosines=True).eval()
    tokens = batch_of(loaded).tokens
    plain = network(tokens, torch.zeros(16, 3))
    raised = network(tokens, torch.tensor([0.0, 1.0, 0.0]).expand(16, 3))
    assert (raised - plain).detach().numpy() == pytest.approx(np.array([[0, 1, 0]] * 16), abs=1e-5)


def test_label_smoothing_punishes_a_classifier_that_is_too_sure(loaded: LoadedEncoder) -> None:
    network = ConceptClassifier(loaded.encoder, num_concepts=16)
    batch = batch_of(loaded)
    torch.nn.init.zeros_(network.head.weight)
    network.head.bias.data[0] = 20.0
    batch = ConceptBatch(batch.post_ids, batch.tokens, torch.zeros(16, dtype=torch.int64))
    assert concept_loss(network, batch, label_smoothing=0.0).item() < 1e-3
    assert concept_loss(network, batch, label_smoothing=0.1).item() > 1


def test_read_answers_say_prob_and_margin() -> None:
    probs = np.array([[0.2, 0.5, 0.3], [1 / 3, 1 / 3, 1 / 3]])
    first, even = read_answers(["x", "y"], probs, ["A", "B", "C"], ["a", "b", "c"])
    assert [(each.concept_id, each.rank) for each in first.candidates] == [
        ("B", 1),
        ("C", 2),
        ("A", 3),
    ]
    assert (first.prob, first.margin) == (0.5, pytest.approx(0.2))
    assert [each.concept_id for each in even.candidates] == ["A", "B", "C"]
    assert even.margin == 0


def test_read_answers_propose_nothing_for_an_empty_mention() -> None:
    (answer,) = read_answers(["  "], np.array([[1.0]]), ["A"], ["a"])
    assert (answer.candidates, answer.prob, answer.margin) == ((), 0.0, 0.0)
    assert read_answers([], np.empty((0, 1)), ["A"], ["a"]) == []


def test_read_answers_refuse_logits_and_other_shapes() -> None:
    with pytest.raises(DataError, match="is it a logit"):
        read_answers(["x"], np.array([[3.0, -2.0]]), ["A", "B"], ["a", "b"])
    with pytest.raises(DataError, match=r"expected \(1, 2\), got \(1, 3\)"):
        read_answers(["x"], np.array([[0.2, 0.2, 0.6]]), ["A", "B"], ["a", "b"])


def test_training_concepts_are_sorted_and_at_least_one() -> None:
    assert training_concepts(["C2", "C1", "C2"]) == ("C1", "C2")
    with pytest.raises(DataError, match="expected mentions with concepts, got none"):
        training_concepts([])


def test_mention_text_puts_the_mention_before_its_post() -> None:
    assert mention_text(" dry  mouth ") == "dry mouth"
    assert mention_text("dry mouth", "my dry mouth\nis back") == "dry mouth : my dry mouth is back"
