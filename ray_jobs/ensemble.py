"""Members in parallel: one Ray Train run whose workers take members from a queue.

One trainer for all members pays Ray Train's start-up once (about 14 s), where a trainer a member
pays it ten times.
"""

from __future__ import annotations

import gc
import os
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import ray
import ray.train
from ray.train import UserCallback

from ray_jobs.member_queue import MemberQueue, Place
from ray_jobs.trainer import TELL_EVERY_S, root_error, run_workers, settle, start_actor
from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.errors import Smm4hError
from smm4h_core.members.train import Member, Progress, members_home, train_member


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
    queue = start_actor(MemberQueue, members, resources.attempts)
    error = run_workers(
        _take_members,
        {"config": config.model_dump(mode="json"), "queue": queue},
        run=run,
        num_workers=num_workers,
        cpus=resources.cpus_per_member,
        gpus=resources.gpus_per_member,
        max_failures=resources.attempts * len(members),
        look=lambda: watch(ray.get(queue.snapshot.remote())),
        callbacks=[_Deaths(queue)],
    )
    if error:
        ray.get(queue.give_up_open.remote(error))
    places: list[Place] = ray.get(queue.snapshot.remote())
    watch(places)
    return places


def _take_members(settings: dict[str, Any]) -> None:
    """A worker's life: take members until none waits."""
    config = config_from_mapping(settings["config"])
    resources = config.resources
    settle(settings["folder"], cpus=resources.cpus_per_member, gpus=resources.gpus_per_member)
    queue = settings["queue"]
    rank = ray.train.get_context().get_world_rank()
    where = f"{socket.gethostname()}:{os.getpid()}"
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
