from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.errors import TrainingError
from smm4h_core.pretraining.config import MoleculeRunConfig, molecule_config_from_mapping
from smm4h_core.pretraining.tokeniser import build_smiles_tokeniser
from smm4h_core.pretraining.train import (
    ENCODER,
    PretrainingProgress,
    copy_encoder,
    finished_pretraining,
    pretrain_molecules,
)
from smm4h_core.storage import Storage, open_storage

FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[[str], Storage]:
    return lambda name: open_storage(str(tmp_path)).child(name)


def make_config(**sections: Any) -> MoleculeRunConfig:
    settings: dict[str, Any] = {
        "name": "small",
        "data": {"max_drugs": 60, "held_out": 0.2},
        "network": {
            **{"hidden_size": 32, "num_layers": 1, "num_heads": 2},
            **{"intermediate_size": 64, "max_length": 64},
        },
        "objective": {"fingerprint_bits": 32},
        "training": {
            **{"epochs": 2, "steps_per_epoch": 4, "batch_tokens": 256},
            **{"checkpoint_steps": 1, "precision": "fp32"},
        },
    }
    for section, keys in sections.items():
        settings[section] = {**settings[section], **keys}
    return molecule_config_from_mapping(settings)


def weights(run: Storage) -> bytes:
    with run.child(ENCODER).read("model.safetensors") as stream:
        return bytes(stream.read())


class KilledError(Exception):
    pass


def test_pretraining_killed_at_any_step_ends_with_the_same_weights(
    make_run: Callable[[str], Storage],
) -> None:
    calm, stormy, config = make_run("calm"), make_run("stormy"), make_config()
    record = pretrain_molecules(config, calm)
    assert not record["resumed"]

    def strike(epoch: int, step: int) -> Callable[[PretrainingProgress], None]:
        def kill(progress: PretrainingProgress) -> None:
            if (progress.epoch, progress.step) == (epoch, step):
                raise KilledError

        return kill

    for place in ((0, 3), (1, 0), (1, 4)):
        with pytest.raises(KilledError):
            pretrain_molecules(config, stormy, on_progress=strike(*place))
        assert finished_pretraining(config, stormy) is None
    resumed = pretrain_molecules(config, stormy)
    assert resumed["resumed"]
    assert weights(stormy) == weights(calm)
    assert resumed["accuracy"] == record["accuracy"]
    assert not list(Path(stormy.root).glob("checkpoint*"))


def test_pretraining_leaves_an_encoder_that_loads_by_its_folder(
    make_run: Callable[[str], Storage], tmp_path: Path
) -> None:
    run = make_run("run")
    record = pretrain_molecules(make_config(), run)
    copy_encoder(run, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES
    loaded = load_text_encoder(str(tmp_path / "out"), pooling="cls")
    assert (loaded.encoder.hidden_size, loaded.encoder.max_length) == (32, 64)
    assert next(loaded.encoder.parameters()).dtype == torch.float32
    build_smiles_tokeniser(max_length=64).save_pretrained(tmp_path / "fresh")
    fresh, saved = (tmp_path / each / "tokenizer.json" for each in ("fresh", "out"))
    assert saved.read_text() == fresh.read_text()  # a length set while encoding was once kept
    assert record["num_held_out"] > 0
    assert 0 <= record["accuracy_untrained"] < 1


def test_pretraining_that_is_finished_is_found_and_another_is_refused(
    make_run: Callable[[str], Storage],
) -> None:
    run = make_run("run")
    record = pretrain_molecules(make_config(), run)
    assert pretrain_molecules(make_config(), run, on_progress=pytest.fail) == record
    with pytest.raises(TrainingError, match=r"run was pretrained without a wheel, now data.wheel"):
        pretrain_molecules(make_config(data={"wheel": "some.whl"}), run)
    with pytest.raises(TrainingError, match=r"run was pretrained under another configuration"):
        pretrain_molecules(make_config(training={"learning_rate": 0.5}), run)


def test_pretraining_learns_a_few_molecules(make_run: Callable[[str], Storage]) -> None:
    config = make_config(
        data={"max_drugs": 16, "randomise": 0.0},
        objective={"fingerprint_bits": 64},
        training={"epochs": 4, "steps_per_epoch": 40, "learning_rate": 5e-3},
    )
    told: list[PretrainingProgress] = []
    record = pretrain_molecules(config, make_run("run"), on_progress=told.append)
    first, *_, last = (each["loss"] for each in record["history"])
    assert last < 0.65 * first
    assert (told[-1].epoch, told[-1].loss) == (4, last)


def test_pretraining_without_fingerprints_asks_for_masked_tokens_alone(
    make_run: Callable[[str], Storage],
) -> None:
    plain = molecule_config_from_mapping(
        {**make_config().model_dump(), "objective": {"fingerprint_weight": 0}}
    )
    record = pretrain_molecules(plain, make_run("plain"))
    both = pretrain_molecules(make_config(), make_run("both"))
    # Binary cross-entropy of untrained bits is about 0.69, and counts four times.
    assert both["history"][0]["loss"] - record["history"][0]["loss"] == pytest.approx(2.8, abs=0.5)
