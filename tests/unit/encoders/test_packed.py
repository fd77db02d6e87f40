"""BERT's layers without padding answer as the model does with it."""

from __future__ import annotations

import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from smm4h_core.encoders import packed
from smm4h_core.encoders._huggingface import HuggingFaceEncoder
from smm4h_core.encoders.adapter import add_adapter
from smm4h_core.encoders.base import LoadedEncoder, TokenBatch
from smm4h_core.encoders.inference import run_batches
from smm4h_core.encoders.packed import can_pack, encode_packed
from smm4h_core.sections import AdapterConfig

CPU = torch.device("cpu")
SIZES = {
    "vocab_size": 50,
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 80,
    "max_position_embeddings": 64,
}
LENGTHS = (7, 30, 2, 7, 17, 16, 2, 15, 1, 30)
"""Rows on both sides of a vector's sixteen, some of a kind, in no order."""
KINDS = {
    "bert": (BertModel, BertConfig),
    "roberta": (RobertaModel, RobertaConfig),
    "xlm_roberta": (XLMRobertaModel, XLMRobertaConfig),
}


@pytest.fixture(params=sorted(KINDS))
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    network, config = KINDS[request.param]
    torch.manual_seed(0)
    return network(config(**SIZES), add_pooling_layer=False).eval()


def batch_of(lengths: tuple[int, ...], pad_id: int) -> TokenBatch:
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    ids = torch.randint(5, 50, mask.shape, generator=torch.Generator().manual_seed(1))
    return TokenBatch(ids.where(mask, torch.tensor(pad_id)), mask)


def own_states(model: PreTrainedModel, batch: TokenBatch) -> torch.Tensor:
    answer = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
    return answer.last_hidden_state.where(batch.attention_mask[:, :, None], 0.0)


@pytest.mark.parametrize("most_scores", [1 << 18, 4 * 7 * 7 * 2, 1])
def test_states_are_the_model_s_own(
    model: PreTrainedModel, most_scores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "MOST_SCORES", most_scores)
    batch = batch_of(LENGTHS, model.config.pad_token_id)
    with torch.inference_mode():
        torch.testing.assert_close(
            encode_packed(model, batch), own_states(model, batch), atol=2e-6, rtol=0
        )


def test_a_text_without_word_pieces_is_all_zero(model: PreTrainedModel) -> None:
    batch = batch_of((3, 0, 5), model.config.pad_token_id)
    with torch.inference_mode():
        states = encode_packed(model, batch)
    assert not states[1].any()
    assert states[0, :3].any(-1).all()


def test_bf16_is_as_near_to_fp32_as_the_model_s_own(model: PreTrainedModel) -> None:
    batch = batch_of(LENGTHS, model.config.pad_token_id)
    with torch.inference_mode():
        exact = own_states(model, batch)
        with torch.autocast("cpu", torch.bfloat16):
            ours, theirs = encode_packed(model, batch), own_states(model, batch)
    assert (ours - exact).abs().mean() <= 1.2 * (theirs - exact).abs().mean()


def test_scores_too_large_for_an_exponential_are_no_trouble(model: PreTrainedModel) -> None:
    for layer in model.encoder.layer:
        layer.attention.self.query.weight.data *= 3000
    batch = batch_of(LENGTHS, model.config.pad_token_id)
    with torch.inference_mode():
        states = encode_packed(model, batch)
        assert states.isfinite().all()
        torch.testing.assert_close(states, own_states(model, batch), atol=1e-3, rtol=0)


def test_encoder_packs_where_it_answers_and_not_where_it_learns(
    model: PreTrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = HuggingFaceEncoder(model, max_length=60, pooling="mean")
    add_adapter(encoder, AdapterConfig(rank=2, alpha=2, dropout=0.5))
    for name, weight in encoder.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    encoder.eval()  # the adapter's own dropout, too
    asked: list[PreTrainedModel] = []

    def listened(network: PreTrainedModel, batch: TokenBatch) -> torch.Tensor:
        asked.append(network)
        return encode_packed(network, batch)

    monkeypatch.setattr("smm4h_core.encoders._huggingface.encode_packed", listened)
    batch = batch_of(LENGTHS, model.config.pad_token_id)
    learning = encoder(batch).pooled
    assert learning.requires_grad
    assert asked == []
    with torch.no_grad():
        encoder.train()
        encoder(batch)
        assert asked == []
        answered = encoder.eval()(batch).pooled
    assert asked == [model]
    torch.testing.assert_close(answered, learning.detach(), atol=2e-6, rtol=0)


def test_other_architectures_answer_by_themselves() -> None:
    config = DistilBertConfig(dim=48, n_layers=1, n_heads=4, hidden_dim=80, vocab_size=50)
    assert not can_pack(DistilBertModel(config))
    assert not can_pack(BertModel(BertConfig(**SIZES, is_decoder=True)))


def test_batches_fill_up_where_padding_costs_nothing(
    minilm: LoadedEncoder, use: LoadedEncoder
) -> None:
    def sizes(loaded: LoadedEncoder) -> list[int]:
        def forward(places: list[int]) -> torch.Tensor:
            return torch.zeros(len(places))

        options = {"dtype": torch.float32, "device": CPU}
        batches = run_batches(loaded.encoder, [5, 100, 5, 50], forward, **options)
        return [len(places) for places, _ in batches]

    assert sizes(minilm) == [4]
    assert sizes(use) == [2, 2]
