"""One Ray Train run of workers that report nothing to it, and a driver that watches meanwhile.

Workers write their own atomic state and speak to an actor, because ``ray.train.report`` is a
barrier over all of them. When a worker dies, Ray Train restarts the group, and each goes on from
its own last checkpoint.
"""

from __future__ import annotations

import math
import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import ray
from ray.train import FailureConfig, ScalingConfig, UserCallback
from ray.train import RunConfig as TrainRunConfig
from ray.train.torch import TorchConfig, TorchTrainer
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from smm4h_core.errors import Smm4hError
from smm4h_core.storage import Storage

CONTROLLER_FAILURES = 5
"""Times that workers may fail to start before the run is given up."""
TELL_EVERY_S = 1.0
"""Least seconds between two words of a worker on what it trains."""
POLL_S = 0.5
"""Seconds between two looks by whoever watches."""


def start_actor(kind: type, *arguments: object) -> Any:
    """An actor on the driver's machine: if it dies, so has whoever waits for the run."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(kind).options(num_cpus=0, scheduling_strategy=here).remote(*arguments)


def run_workers(
    work: Callable[[dict[str, Any]], None],
    settings: Mapping[str, Any],
    *,
    run: Storage,
    num_workers: int,
    cpus: float,
    gpus: float,
    max_failures: int,
    look: Callable[[], None],
    callbacks: Sequence[UserCallback] = (),
) -> str:
    """Run a function in workers on the cluster that we are connected to.

    Args:
        work: A worker's life; calls `settle` first.
        settings: What it gets, together with the folder that relative paths start from.
        run: The run's folder; Ray Train keeps its own files below it.
        num_workers: Workers at once.
        cpus: Cores of each.
        gpus: GPUs of each.
        max_failures: Deaths of workers after which the run is given up.
        look: Called about twice a second until the workers have ended.
        callbacks: Ray Train's own, in its controller.

    Returns:
        The root error that ended the run; empty where none did.
    """
    trainer = TorchTrainer(
        work,
        train_loop_config={**settings, "folder": str(Path.cwd())},
        # No gradient crosses between workers; gloo also starts where they share a GPU.
        torch_config=TorchConfig(backend="gloo"),
        scaling_config=ScalingConfig(
            num_workers=num_workers,
            use_gpu=gpus > 0,
            resources_per_worker={"CPU": cpus, **({"GPU": gpus} if gpus else {})},
        ),
        run_config=TrainRunConfig(
            name="ray_train",
            storage_path=run.root,
            storage_filesystem=run.filesystem,
            # Ray's stubs know the old class alone.
            failure_config=FailureConfig(  # type: ignore[call-arg]
                max_failures=max_failures,
                # Ray's own default would look for lost machines for ever, without a word.
                controller_failure_limit=CONTROLLER_FAILURES,
            ),
            callbacks=[cast(Any, callback) for callback in callbacks],
        ),
    )
    fitting = ray.remote(num_cpus=0)(_fit).remote(trainer)
    while not ray.wait([fitting], timeout=POLL_S)[0]:
        look()
    error: str = ray.get(fitting)
    return error


def settle(folder: str, *, cpus: float, gpus: float) -> None:
    """Make a worker's process what its configuration asks for.

    Args:
        folder: Where the run was launched, which a configuration's relative paths start from; Ray
            moves its workers elsewhere. On a machine without it paths must be absolute.
        cpus: Its cores; torch gets as many threads, rounded up.
        gpus: Its GPUs, or its share of one.
    """
    import torch

    if Path(folder).is_dir():
        os.chdir(folder)
    torch.set_num_threads(max(1, math.ceil(cpus)))
    if 0 < gpus < 1:
        # Ray divides GPUs on paper only; without a cap one worker can starve its neighbour.
        torch.cuda.set_per_process_memory_fraction(gpus)


def root_error(error: BaseException) -> str:
    """The innermost error's type and first lines, without the frames of Ray around it."""
    while True:
        inner = getattr(error, "cause", None) or error.__cause__
        if not isinstance(inner, BaseException):
            break
        error = inner
    if isinstance(error, Smm4hError):
        return str(error)  # made to be read; its class adds nothing
    return "".join(traceback.format_exception_only(error)).strip()[:500]


def _fit(trainer: TorchTrainer) -> str:
    """Run the trainer in a task of its own, so that the driver is free to watch."""
    try:
        trainer.fit()
    except Exception as error:  # Ray Train raises what any worker or its own controller raised
        return root_error(error)
    return ""
