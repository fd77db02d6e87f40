"""Members in parallel: one Ray Train run whose workers take members from a queue.

One trainer for all members pays Ray Train's start-up once (about 14 s), where a trainer a member
pays it ten times. Workers write their own atomic state and report nothing in between, because
``ray.train.report`` is a barrier over all of them. When a worker dies, Ray Train restarts the
group; every open member goes on from its own last checkpoint.
"""

from __future__ import annotations

import gc
import math
import os
import socket
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import ray
import ray.train
from ray.train import FailureConfig, ScalingConfig, UserCallback
from ray.train import RunConfig as TrainRunConfig
from ray.train.torch import TorchConfig, TorchTrainer
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ray_jobs.member_queue import MemberQueue, Place
from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.errors import Smm4hError
from smm4h_core.members.train import Member, Progress, members_home, train_member

CONTROLLER_FAILURES = 5
"""Times that workers may fail to start before the run is given up."""
TELL_EVERY_S = 1.0
"""Least seconds between two words of a worker on its member."""
POLL_S = 0.5
"""Seconds between two looks at the queue by whoever watches."""


def train_members(
    config: RunConfig,
    members: Sequence[Member],
    *,
    num_workers: int,
    watch: Callable[[Sequence[Place]], None],
) -> list[Place]:
    """Train members on the cluster that we are connected to; return where each ended.

    A member's failure is in its place, not raised: the caller knows how many it can do without.

    Args:
        config: The run.
        members: Members not yet trained.
        num_workers: Members at once.
        watch: Shown all places about twice a second, and once at the end.
    """
    resources = config.resources
    run = members_home(config)
    # On the driver's machine: if the queue dies, so has whoever waits for the run.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    queue: Any = (
        ray.remote(MemberQueue)
        .options(num_cpus=0, scheduling_strategy=here)
        .remote(members, resources.attempts)
    )
    trainer = TorchTrainer(
        _take_members,
        train_loop_config={
            "config": config.model_dump(mode="json"),
            "queue": queue,
            "folder": str(Path.cwd()),
        },
        # No gradient crosses between members; gloo also starts where members share a GPU.
        torch_config=TorchConfig(backend="gloo"),
        scaling_config=ScalingConfig(
            num_workers=num_workers,
            use_gpu=resources.gpus_per_member > 0,
            resources_per_worker={
                "CPU": resources.cpus_per_member,
                **({"GPU": resources.gpus_per_member} if resources.gpus_per_member else {}),
            },
        ),
        run_config=TrainRunConfig(
            name="ray_train",
            storage_path=run.root,
            storage_filesystem=run.filesystem,
            # Ray's stubs know the old class alone.
            failure_config=FailureConfig(  # type: ignore[call-arg]
                max_failures=resources.attempts * len(members),
                # Ray's own default would look for lost machines for ever, without a word.
                controller_failure_limit=CONTROLLER_FAILURES,
            ),
            callbacks=[cast(Any, _Deaths(queue))],
        ),
    )
    fitting = ray.remote(num_cpus=0)(_fit).remote(trainer)
    while not ray.wait([fitting], timeout=POLL_S)[0]:
        watch(ray.get(queue.snapshot.remote()))
    error = ray.get(fitting)
    if error:
        ray.get(queue.give_up_open.remote(error))
    places: list[Place] = ray.get(queue.snapshot.remote())
    watch(places)
    return places


def _fit(trainer: TorchTrainer) -> str:
    """Run the trainer in a task of its own, so that the driver is free to watch."""
    try:
        trainer.fit()
    except Exception as error:  # Ray Train raises what any worker or its own controller raised
        return root_error(error)
    return ""


def _take_members(settings: dict[str, Any]) -> None:
    """A worker's life: take members until none waits."""
    import torch

    if Path(settings["folder"]).is_dir():
        # Ray Train moves its workers elsewhere; a configuration's relative paths start from
        # where the run was launched. On a machine without that folder they must be absolute.
        os.chdir(settings["folder"])
    config = config_from_mapping(settings["config"])
    queue = settings["queue"]
    rank = ray.train.get_context().get_world_rank()
    where = f"{socket.gethostname()}:{os.getpid()}"
    torch.set_num_threads(max(1, math.ceil(config.resources.cpus_per_member)))
    share = config.resources.gpus_per_member
    if 0 < share < 1:
        # Ray divides GPUs on paper only; without a cap one member can starve its neighbour.
        torch.cuda.set_per_process_memory_fraction(share)
    run = members_home(config)
    told = 0.0

    def tell(progress: Progress) -> None:
        nonlocal told
        if progress.step == 0 or time.monotonic() - told >= TELL_EVERY_S:
            told = time.monotonic()
            queue.tell.remote(rank, progress)

    while (member := ray.get(queue.claim.remote(rank, where))) is not None:
        try:
            record = train_member(config, member, run, on_progress=tell)
        except Exception as error:  # the queue keeps the root error; other members go on
            # Our own errors are about data or numbers: the next attempt would end alike.
            retry = not isinstance(error, Smm4hError)
            ray.get(queue.fail.remote(rank, root_error(error), retry=retry))
        else:
            ray.get(queue.finish.remote(rank, record))
        gc.collect()  # a network lies in reference cycles; two at once is one too many


class _Deaths(UserCallback):
    """Tells the queue which workers died; runs in Ray Train's controller."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue

    def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:
        """Hand over the root errors by rank."""
        del run_context
        errors = {rank: root_error(error) for rank, error in worker_exceptions.items()}
        ray.get(self.queue.note_deaths.remote(errors))


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
