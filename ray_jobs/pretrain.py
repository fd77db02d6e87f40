"""Pretraining on a cluster: one Ray Train worker that goes on from its own checkpoint.

The worker tells an actor where it stands, so that whoever waits for the run can show it.
"""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ray

from ray_jobs.trainer import TELL_EVERY_S, run_workers, settle, start_actor
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
    board = start_actor(Board)
    error = run_workers(
        pretrain_here,
        {"config": config.model_dump(mode="json"), "board": board},
        run=run,
        num_workers=1,
        cpus=resources.cpus,
        gpus=resources.gpus,
        max_failures=resources.attempts - 1,
        look=lambda: watch(ray.get(board.last.remote())),
    )
    error = error or ray.get(board.last.remote()).error
    if error:
        raise TrainingError(f"{config.name}: {error}")
    watch(ray.get(board.last.remote()))


def pretrain_here(settings: dict[str, Any]) -> None:
    """The worker's life: pretrain, or tell the board why that cannot succeed."""
    config = molecule_config_from_mapping(settings["config"])
    settle(settings["folder"], cpus=config.resources.cpus, gpus=config.resources.gpus)
    board, where = settings["board"], f"{socket.gethostname()}:{os.getpid()}"
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
