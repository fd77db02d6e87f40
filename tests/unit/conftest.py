"""A bundle that is real in every file and was trained on nothing."""

import json
from pathlib import Path

import pyarrow.fs
import pytest
import torch
from safetensors.torch import save
from transformers import BertConfig, BertModel

from smm4h_core.bundle import save_bundle
from smm4h_core.classify.ensemble import MeanProb
from smm4h_core.classify.network import TextClassifier
from smm4h_core.config import config_from_mapping
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.storage import Storage
from smm4h_core.training.checkpoint import trained_weights

SEEDS = (0, 2)
WEIGHTS = "weights.safetensors"


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of 32 dimensions whose word-pieces are single letters."""
    folder = tmp_path_factory.mktemp("tiny-bert")
    letters = "abcdefghijklmnopqrstuvwxyzабвгдежзийклмнопрстуфхцчшщъыьэюя0123456789.,!?"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    vocabulary += [f"##{letter}" for letter in letters]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        max_position_embeddings=64,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.5,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two members with random weights, joined by the mean; its answers fall on both sides."""
    folder = tmp_path_factory.mktemp("tiny") / "bundle"
    config = config_from_mapping(
        {
            "name": "tiny",
            "task": "1a",
            "data": {"train": [{"path": "sample:en/train"}], "dev": [{"path": "sample:en/dev"}]},
            "encoder": {"uri": str(tiny_bert), "max_length": 48},
            "training": {"epochs": 1, "learning_rate": 1e-3, "precision": "fp32"},
            "ensemble": {"seeds": SEEDS, "rule": "mean"},
        }
    )
    members = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        network = TextClassifier(load_text_encoder(config.encoder.uri).encoder, dropout=0.3)
        with torch.no_grad():
            network.head[-1].weight *= 20
            network.head[-1].bias.zero_()
        storage = Storage(pyarrow.fs.LocalFileSystem(), str(folder.parent / f"s{seed}"))
        weights = save(trained_weights(network))
        storage.write(WEIGHTS, lambda stream, weights=weights: stream.write(weights))
        members.append([storage])
    interval = {"precision": [0.4, 0.6], "recall": [0.5, 0.7], "f1": [0.45, 0.65]}
    save_bundle(
        config,
        members,
        rule=MeanProb((0.5, 0.5)),
        scores={"dev": {"precision": 0.5, "recall": 0.6, "f1": 0.545, "n": 80, "ci95": interval}},
        fingerprint="0" * 64,
        weights_name=WEIGHTS,
        folder=folder,
    )
    return folder
