"""A bundle of every kind of part in both languages, real in every file and trained on nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.fs
import torch
from safetensors.torch import save

from serve.graph import Ask, Graph
from serve.limits import Limits
from serve.messages import Answer, Asked
from serve.metrics import Metrics
from serve.part import PartServer
from serve.service import Service
from serve.settings import Kind, PartSettings
from smm4h_core.access_keys import AccessKey
from smm4h_core.bundle import open_bundle, save_bundle
from smm4h_core.bundle_build import join_bundles
from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.extract.build import build_tagger
from smm4h_core.extract.rule import SpanVotes, span_rule_to_json
from smm4h_core.storage import Storage
from smm4h_core.training.checkpoint import trained_weights
from tests.tiny_bert import save_tiny_bert
from tests.unit.conftest import save_tiny_bundle
from tests.unit.linking import build_linking

BOTH = {
    "train": [{"path": f"sample:{lang}/train", "lang": lang} for lang in ("en", "ru")],
    "dev": [{"path": "sample:en/dev"}],
}


def build_whole_bundle(root: Path, tiny_bert: Path) -> Path:
    """Classifier and extractor of random weights, a linker trained for a second, joined."""
    from ray_jobs.run import run_training

    classifier = save_tiny_bundle(root / "classifier" / "bundle", tiny_bert, data=BOTH)
    extractor = save_tiny_tagger(root / "extractor" / "bundle", tiny_bert)
    (root / "link").mkdir()
    config = build_linking(root / "link", tiny_bert)(
        data={"test": []},
        linking={"classifier": None},
        ensemble={"seeds": [0], "rule": "learned"},
        training={"epochs": 1},
    )
    config = config_from_mapping({**config.model_dump(mode="json"), "serves": ["en", "ru"]})
    linker = Path(run_training(config, inline=True).bundle_location)
    folder = root / "whole"
    sources = [("classifier", classifier), ("extractor", extractor), ("linker", linker)]
    join_bundles(sources, name="whole", version="1", folder=folder)
    return folder


def save_tiny_tagger(folder: Path, tiny_bert: Path) -> Path:
    """Two taggers whose random heads find something in most posts."""
    config: RunConfig = config_from_mapping(
        {
            "name": "tags",
            "task": "1b",
            "data": BOTH,
            "encoder": {"uri": str(tiny_bert), "max_length": 48},
            "extraction": {"stride": 8},
            "training": {"epochs": 1, "learning_rate": 1e-3, "precision": "fp32"},
            "ensemble": {"seeds": [0, 2], "rule": "vote"},
        }
    )
    members = []
    for seed in config.ensemble.seeds:
        torch.manual_seed(seed)
        network = build_tagger(config, load_text_encoder(config.encoder.uri).encoder)
        with torch.no_grad():
            network.head.weight *= 8
        storage = Storage(pyarrow.fs.LocalFileSystem(), str(folder.parent / f"s{seed}"))
        weights = save(trained_weights(network))
        storage.write("w.safetensors", lambda stream, weights=weights: stream.write(weights))
        members.append([storage])
    save_bundle(
        config,
        members,
        rule=span_rule_to_json(SpanVotes(num_members=2, min_votes=1)),
        scores={},
        fingerprint="0" * 64,
        weights_name="w.safetensors",
        folder=folder,
    )
    return folder


def compose(bundle: Path) -> tuple[Graph, dict[Kind, PartServer]]:
    """The graph with its parts in this process: the deployments' own objects, without Ray."""
    kinds: list[Kind] = ["classifier", "extractor", "linker"]
    held = open_bundle(bundle).kinds
    parts = {kind: PartServer(kind, bundle) for kind in kinds if kind in held}
    graph = Graph(bundle, {kind: call(part) for kind, part in parts.items()})
    graph.use(None)
    return graph, parts


async def start(parts: dict[Kind, PartServer], **settings: Any) -> None:
    for part in parts.values():
        await part.reconfigure(PartSettings(**settings).model_dump(mode="json"))


def call(part: PartServer) -> Ask:
    async def ask(asked: Asked, found: Awaitable[Answer] | None = None) -> Answer:
        return await part.answer(asked, None if found is None else await found)

    def begin(asked: Asked, found: Awaitable[Answer] | None = None, /) -> Awaitable[Answer]:
        return asyncio.ensure_future(ask(asked, found))

    return begin


def serve_over(
    graph: Graph,
    parts: dict[Kind, PartServer],
    *,
    keys: Callable[[], Sequence[AccessKey]] | None = None,
    **limits: Any,
) -> Service:
    """A service without Ray; keyword arguments are limits."""

    async def ask_states() -> list[dict[str, Any]]:
        return [part.state() for part in parts.values()]

    return Service(
        graph=graph,
        limits=Limits(**limits),
        keys=keys,
        metrics=Metrics("here"),
        ask_states=ask_states,
    )


def save_letter_bert(folder: Path) -> Path:
    """A random BERT whose word-pieces are letters of both languages."""
    folder.mkdir()
    letters = "abcdefghijklmnopqrstuvwxyzабвгдежзийклмнопрстуфхцчшщъыьэюя0123456789.,!?"
    pieces = [*letters, *(f"##{letter}" for letter in letters)]
    return save_tiny_bert(folder, pieces, max_position_embeddings=64, initializer_range=0.5)


def renamed(bundle: Path, folder: Path, *, version: str) -> Path:
    """The same bundle as another version."""
    sources = [(kind, bundle) for kind in ("classifier", "extractor", "linker")]
    join_bundles(sources, name="whole", version=version, folder=folder)
    return folder
