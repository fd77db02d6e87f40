"""Pretraining of the molecule encoder through Ray Train: what it leaves, what resumes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ray_jobs.cluster import connected
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.pretraining.config import MoleculeRunConfig, read_molecule_config
from smm4h_core.pretraining.train import ENCODER, finished_pretraining, pretrain_molecules
from smm4h_core.storage import Storage, open_storage

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_local")]

TINY = Path(__file__).parents[2] / "tune_configs" / "pretrain" / "molecules_tiny.yaml"


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As many threads as a worker has, so that sums are rounded alike."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_config(tmp_path: Path, *overrides: str) -> MoleculeRunConfig:
    return read_molecule_config(TINY, [f"storage={tmp_path}", *overrides])


def run_of(config: MoleculeRunConfig) -> Storage:
    return open_storage(config.storage).child(config.name)


def weights(run: Storage) -> bytes:
    with run.child(ENCODER).read("model.safetensors") as stream:
        return bytes(stream.read())


@pytest.mark.usefixtures("one_thread")
def test_killed_pretraining_ends_with_the_weights_of_a_calm_one(tmp_path: Path) -> None:
    from ray_jobs.pretrain import pretrain_on_cluster

    config = make_config(tmp_path, "training.epochs=12", "training.checkpoint_steps=2")
    killed: list[str] = []

    def kill_once(word: Any) -> None:
        if word.progress is not None and word.progress.epoch and not killed:
            os.kill(int(word.where.rpartition(":")[2]), signal.SIGKILL)
            killed.append(word.where)

    with connected():
        pretrain_on_cluster(config, kill_once)

    assert len(killed) == 1
    record = finished_pretraining(config, run_of(config))
    assert record is not None
    assert record["resumed"]
    assert (record["num_drugs"] + record["num_held_out"], len(record["history"])) == (200, 12)
    loaded = load_text_encoder(f"{run_of(config).root}/{ENCODER}", pooling="cls")
    assert (loaded.encoder.hidden_size, loaded.encoder.max_length) == (32, 64)

    calm = open_storage(str(tmp_path)).child("calm")
    pretrain_molecules(config, calm)
    assert weights(run_of(config)) == weights(calm)


def test_pretraining_that_cannot_succeed_says_so_and_ends(tmp_path: Path) -> None:
    import ray

    from ray_jobs.pretrain import Board, pretrain_here

    config = make_config(tmp_path, f"data.wheel={tmp_path}/absent.whl")
    board = ray.remote(Board).options(num_cpus=0).remote()
    settings = {"config": config.model_dump(mode="json"), "board": board, "folder": str(tmp_path)}
    ray.get(ray.remote(pretrain_here).remote(settings))  # to raise would make Ray start it again
    assert "absent.whl: expected a wheel" in ray.get(board.last.remote()).error
