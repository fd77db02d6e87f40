"""Bundles that are real in every file and were trained on nothing."""

from pathlib import Path
from typing import Any

import pyarrow.fs
import pytest
import torch
from safetensors.torch import save

from smm4h_core.bundle import save_bundle
from smm4h_core.classify.build import build_classifier
from smm4h_core.classify.ensemble import MeanProb, rule_to_json
from smm4h_core.classify.molecule_side import load_molecule_side
from smm4h_core.classify.network import Classifier
from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.storage import Storage
from smm4h_core.training.checkpoint import trained_weights
from tests.tiny_bert import save_tiny_bert
from tests.unit.tagging import save_word_bert

SEEDS = (0, 2)
WEIGHTS = "weights.safetensors"


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of 32 dimensions whose word-pieces are single letters."""
    folder = tmp_path_factory.mktemp("tiny-bert")
    letters = "abcdefghijklmnopqrstuvwxyzабвгдежзийклмнопрстуфхцчшщъыьэюя0123456789.,!?"
    pieces = [*letters, *(f"##{letter}" for letter in letters)]
    return save_tiny_bert(folder, pieces, max_position_embeddings=64, initializer_range=0.5)


@pytest.fixture(scope="session")
def word_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder that knows the words of `tests.unit.tagging`."""
    return save_word_bert(tmp_path_factory.mktemp("word-bert"))


@pytest.fixture(scope="session")
def tiny_bundle(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two members with random weights, joined by the mean; its answers fall on both sides."""
    return save_tiny_bundle(tmp_path_factory.mktemp("tiny") / "bundle", tiny_bert)


@pytest.fixture(scope="session", params=["concat", "gated", "cross_attention"])
def fused_bundle(
    request: pytest.FixtureRequest, tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Like `tiny_bundle`, of members that read molecules, and a drug of the user's own."""
    folder = tmp_path_factory.mktemp(request.param)
    table = folder / "drugs.tsv"
    table.write_text("name\tdrug\tsmiles\nzzyzxol\tzzyzxol\tCCCCCO\n", encoding="utf-8")
    molecules = {"uri": str(tiny_bert), "max_length": 40}
    return save_tiny_bundle(
        folder / "bundle",
        tiny_bert,
        network={"fusion": request.param},
        molecules=molecules,
        drugs={"tables": [str(table)]},
    )


def save_tiny_bundle(folder: Path, tiny_bert: Path, **sections: Any) -> Path:
    config = config_from_mapping(
        {
            "name": "tiny",
            "task": "1a",
            "data": {"train": [{"path": "sample:en/train"}], "dev": [{"path": "sample:en/dev"}]},
            "encoder": {"uri": str(tiny_bert), "max_length": 48},
            "training": {"epochs": 1, "learning_rate": 1e-3, "precision": "fp32"},
            "ensemble": {"seeds": SEEDS, "rule": "mean"},
            **sections,
        }
    )
    members = []
    for seed in SEEDS:
        storage = Storage(pyarrow.fs.LocalFileSystem(), str(folder.parent / f"s{seed}"))
        weights = save(trained_weights(build_tiny_network(config, seed)))
        storage.write(WEIGHTS, lambda stream, weights=weights: stream.write(weights))
        members.append([storage])
    interval = {"precision": [0.4, 0.6], "recall": [0.5, 0.7], "f1": [0.45, 0.65]}
    save_bundle(
        config,
        members,
        rule=rule_to_json(MeanProb((0.5, 0.5))),
        scores={"dev": {"precision": 0.5, "recall": 0.6, "f1": 0.545, "n": 80, "ci95": interval}},
        fingerprint="0" * 64,
        weights_name=WEIGHTS,
        folder=folder,
    )
    return folder


def build_tiny_network(config: RunConfig, seed: int) -> Classifier:
    """The network that `save_tiny_bundle` saved for a seed."""
    torch.manual_seed(seed)
    side = None
    if config.molecules is not None:
        side = load_molecule_side(config.molecules, trained=config.network.trains_molecules)
    network = build_classifier(config, load_text_encoder(config.encoder.uri).encoder, side)
    with torch.no_grad():
        network.head[-1].weight *= 20
        network.head[-1].bias.zero_()
        for layer in ("project", "attention"):  # they start at zero, deaf to the molecule
            if hasattr(network.fusion, layer):
                part = getattr(network.fusion, layer)
                getattr(part, "out_proj", part).weight.normal_(std=0.2)
    return network.eval()
