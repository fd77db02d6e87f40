"""Pretraining on a cluster: one Ray Train worker that goes on from its own checkpoint.

The worker reports nothing to Ray Train: it writes its own atomic state, and tells an actor where it
stands, so that whoever waits for the run can show it.
"""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.train import FailureConfig, ScalingConfig
from ray.train import RunConfig as TrainRunConfig
from ray.train.torch import TorchConfig, TorchTrainer
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ray_jobs.ensemble import CONTROLLER_FAILURES, POLL_S, TELL_EVERY_S, root_error
from smm4h_core.errors import Smm4hError, TrainingError
from smm4h_core.pretraining.config import MoleculeRunConfig, molecule_config_from_mapping
from smm4h_core.pretraining.train import PretrainingProgress, pretrain_molecules
from smm4h_core.storage import open_storage


@dataclass(slots=True)
class Word:
    """What the worker last said."""

    where: str = ""
    """Host and process."""
    progress: PretrainingProgress | None = None
    """Where the run stands; None before the first step."""
    error: str = ""
    """An error that another start would not mend; the worker has ended."""


class Board:
    """An actor that outlives the worker and keeps its last word."""

    def __init__(self) -> None:
        self.word = Word()

    def put(self, word: Word) -> None:
        """The worker's word."""
        self.word = word

    def last(self) -> Word:
        """The last word."""
        return self.word


def pretrain_on_cluster(config: MoleculeRunConfig, watch: Callable[[Word], None]) -> None:
    """Pretrain on the cluster that we are connected to; whatever is done stays in the storage.

    Args:
        config: The run.
        watch: Shown the worker's last word about twice a second.

    Raises:
        TrainingError: the worker failed, or died more often than ``resources.attempts``.
    """
    resources = config.resources
    run = open_storage(config.storage).child(config.name)
    # On the driver's machine: if the board dies, so has whoever waits for the run.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    board: Any = ray.remote(Board).options(num_cpus=0, scheduling_strategy=here).remote()
    trainer = TorchTrainer(
        pretrain_here,
        train_loop_config={
            "config": config.model_dump(mode="json"),
            "board": board,
            "folder": str(Path.cwd()),
        },
        torch_config=TorchConfig(backend="gloo"),
        scaling_config=ScalingConfig(
            num_workers=1,
            use_gpu=resources.gpus > 0,
            resources_per_worker={
                "CPU": resources.cpus,
                **({"GPU": resources.gpus} if resources.gpus else {}),
            },
        ),
        run_config=TrainRunConfig(
            name="ray_train",
            storage_path=run.root,
            storage_filesystem=run.filesystem,
            # Ray's stubs know the old class alone.
            failure_config=FailureConfig(  # type: ignore[call-arg]
                max_failures=resources.attempts - 1,
                controller_failure_limit=CONTROLLER_FAILURES,
            ),
        ),
    )
    fitting = ray.remote(num_cpus=0)(_fit).remote(trainer)
    while not ray.wait([fitting], timeout=POLL_S)[0]:
        watch(ray.get(board.last.remote()))
    error = ray.get(fitting) or ray.get(board.last.remote()).error
    if error:
        raise TrainingError(f"{config.name}: {error}")
    watch(ray.get(board.last.remote()))


def _fit(trainer: TorchTrainer) -> str:
    """Run the trainer in a task of its own, so that the driver is free to watch."""
    try:
        trainer.fit()
    except Exception as error:  # Ray Train raises what the worker or its own controller raised
        return root_error(error)
    return ""


def pretrain_here(settings: dict[str, Any]) -> None:
    """The worker's life: pretrain, or tell the board why that cannot succeed."""
    import torch

    if Path(settings["folder"]).is_dir():
        # Ray Train moves its workers elsewhere; a configuration's relative paths start from
        # where the run was launched.
        os.chdir(settings["folder"])
    config = molecule_config_from_mapping(settings["config"])
    board, where = settings["board"], f"{socket.gethostname()}:{os.getpid()}"
    torch.set_num_threads(max(1, math.ceil(config.resources.cpus)))
    told = -math.inf

    def tell(progress: PretrainingProgress) -> None:
        nonlocal told
        if progress.step == 0 or time.monotonic() - told >= TELL_EVERY_S:
            told = time.monotonic()
            board.put.remote(Word(where, progress))

    ray.get(board.put.remote(Word(where)))
    try:
        run = open_storage(config.storage).child(config.name)
        pretrain_molecules(config, run, on_progress=tell)
    except Smm4hError as error:
        # About data or numbers: another start would end alike.
        ray.get(board.put.remote(Word(where, error=str(error))))
