"""Every configuration is valid, its network can be built, and the paper's say what it says."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import BertConfig, BertModel, RobertaConfig, RobertaModel

from smm4h_core.classify.network import TextClassifier
from smm4h_core.config import PAPER_SEEDS, RunConfig, config_from_mapping, read_config
from smm4h_core.encoders.base import LoadedEncoder, pad_encodings
from smm4h_core.encoders.load import load_text_encoder

FOLDER = Path(__file__).parents[2] / "tune_configs"
CONFIGS = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.yaml"))
PAPER = [name for name in CONFIGS if name.startswith("paper/")]
HUB = {"FacebookAI/roberta-large": "roberta", "cimm-kzn/enrudr-bert": "bert"}
"""The paper's encoders and their architectures."""
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}

_load = cache(load_text_encoder)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Random encoders of the paper's two architectures, in the files that their kind has."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in HUB.values()}
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz"]
    (folders["bert"] / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    bert = BertConfig(vocab_size=len(pieces), max_position_embeddings=512, **SIZES)
    BertModel(bert).save_pretrained(folders["bert"])

    letters = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *sorted(ByteLevel.alphabet())]
    ids = {letter: place for place, letter in enumerate(letters)}
    (folders["roberta"] / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    (folders["roberta"] / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    # 514 positions, as the published model has: two of them are never used.
    roberta = RobertaConfig(vocab_size=len(letters), max_position_embeddings=514, **SIZES)
    RobertaModel(roberta).save_pretrained(folders["roberta"])
    return folders


def load_encoder(config: RunConfig, tiny: dict[str, Path]) -> LoadedEncoder:
    uri = config.encoder.uri
    if uri in HUB:
        uri = str(tiny[HUB[uri]])
    else:
        assert uri.startswith("package:"), f"{uri}: neither the paper's nor in a package"
    return _load(uri, pooling=config.encoder.pooling)


@pytest.mark.parametrize("name", CONFIGS)
def test_config_is_valid_and_survives_its_own_dump(name: str) -> None:
    config = read_config(FOLDER / name)
    assert config.name == Path(name).stem
    assert config.description
    assert config_from_mapping(config.model_dump(mode="json")) == config


@pytest.mark.parametrize("name", CONFIGS)
def test_config_builds_a_network_that_answers(name: str, tiny: dict[str, Path]) -> None:
    config = read_config(FOLDER / name)
    loaded = load_encoder(config, tiny)
    assert config.encoder.max_length <= loaded.encoder.max_length
    network = TextClassifier(loaded.encoder, dropout=config.network.dropout).eval()
    texts = ["no sleep since the new pills", "сплю"]
    encodings = loaded.tokeniser.encode(texts, max_length=config.encoder.max_length)
    with torch.inference_mode():
        logits = network(pad_encodings(encodings, pad_id=loaded.tokeniser.pad_id))
    assert logits.shape == (2,)
    assert logits.isfinite().all()


def test_embedded_configs_need_no_network() -> None:
    embedded = [name for name in CONFIGS if name.startswith("embedded/")]
    assert len(embedded) >= 3
    for name in embedded:
        assert read_config(FOLDER / name).encoder.uri.startswith("package:"), name


@pytest.mark.parametrize("name", PAPER)
def test_paper_configs_share_what_the_paper_keeps_fixed(name: str) -> None:
    config = read_config(FOLDER / name)
    training, ensemble = config.training, config.ensemble
    assert config.encoder.max_length == 128
    assert config.encoder.freeze_embeddings is False
    assert (config.network.fusion, config.network.dropout) == ("text", 0.3)
    assert (training.epochs, training.optimiser, training.schedule) == (10, "adam", "constant")
    assert (training.weight_decay, training.head_rate_factor, training.layer_rate_decay) == (
        *(0.0, 1.0, 1.0),
    )
    assert training.oversample is False  # over-sampling belongs to the paper's later rows
    assert (training.select, training.patience) == ("best", None)
    assert config.data.folds == 1
    assert ensemble.seeds == PAPER_SEEDS == (0, 2, 3, 5, 13, 17, 21, 42, 67, 123)
    assert (ensemble.rule, ensemble.threshold, ensemble.tie) == ("majority", "fixed", "positive")
    # The token budget must never cut the paper's batches short.
    assert training.batch_posts is not None
    assert training.batch_tokens >= training.batch_posts * config.encoder.max_length


@pytest.mark.parametrize(
    ("name", "task", "uri", "learning_rate", "batch_posts", "langs"),
    [
        ("task1a_roberta", "1a", "FacebookAI/roberta-large", 1e-5, 32, ["en"]),
        ("task2_enrudr", "2", "cimm-kzn/enrudr-bert", 3e-5, 64, ["ru"]),
        ("task2_enrudr_ruen", "2", "cimm-kzn/enrudr-bert", 3e-5, 64, ["ru", "en"]),
    ],
)
def test_paper_config_is_the_paper_s_row(
    name: str, task: str, uri: str, learning_rate: float, batch_posts: int, langs: list[str]
) -> None:
    config = read_config(FOLDER / "paper" / f"{name}.yaml")
    assert (config.task, config.encoder.uri) == (task, uri)
    assert config.training.learning_rate == learning_rate
    assert config.training.batch_posts == batch_posts
    assert [corpus.lang for corpus in config.data.train] == langs
