"""What goes wrong on clusters: workers are killed, members keep failing, demands do not fit."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch

from ray_jobs.member_queue import Place
from ray_jobs.run import run_training
from smm4h_core.config import RunConfig
from smm4h_core.errors import ResourceError, TrainingError
from smm4h_core.members.train import Member, member_storage, members_of, train_member
from smm4h_core.storage import open_storage

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_local")]


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As many threads as a worker has, so that sums are rounded alike."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_killed_worker_costs_nothing_but_time(make_config: Callable[..., RunConfig]) -> None:
    from ray_jobs.ensemble import train_members

    config = make_config("killed", training={"epochs": 60, "checkpoint_steps": 1})
    members = members_of(config)
    run = open_storage(config.storage).child(config.name)
    killed: list[Member] = []

    def kill_one(places: Sequence[Place]) -> None:
        for place in places:
            deep_in_training = place.state == "training" and place.progress and place.progress.epoch
            if deep_in_training and not killed:
                os.kill(int(place.where.rpartition(":")[2]), signal.SIGKILL)
                killed.append(place.member)

    places = train_members(config, members, num_workers=2, watch=kill_one)

    assert len(killed) == 1
    assert [place.state for place in places] == ["done", "done"]
    assert {place.member for place in places if place.attempts} == set(killed)
    assert killed[0] in {p.member for p in places if p.record is not None and p.record["resumed"]}
    calm = open_storage(config.storage).child("calm")
    for member in members:
        train_member(config, member, calm)
        weights = [
            member_storage(where, member).read("weights.safetensors").read()
            for where in (run, calm)
        ]
        assert weights[0] == weights[1], member


def test_member_that_keeps_failing_is_named_and_the_others_go_on(
    make_config: Callable[..., RunConfig],
) -> None:
    config = make_config("obstructed", resources={"attempts": 2})
    run = Path(config.storage, config.name)
    obstacle = run / "members" / "s1-f0" / "weights.safetensors" / "in the way"
    obstacle.mkdir(parents=True)

    with pytest.raises(TrainingError) as failed:
        run_training(config)
    first, reason = str(failed.value).splitlines()
    assert first.startswith("1 of 2 seeds finished, 2 are needed (ensemble.min_members)")
    assert reason.startswith("  s1-f0: ")
    assert "Error: " in reason
    assert "weights.safetensors" in reason
    assert not (run / "bundle").exists()

    fewer = config.ensemble.model_copy(update={"min_members": 1})
    outcome = run_training(config.model_copy(update={"ensemble": fewer}))
    assert outcome.num_trained == 0
    assert [(place.member.name, place.attempts) for place in outcome.failed] == [("s1-f0", 2)]
    assert outcome.result["seeds"] == [0]

    obstacle.rmdir()
    obstacle.parent.rmdir()
    mended = run_training(config, inline=True)
    assert (mended.num_trained, mended.result["seeds"]) == (1, [0, 1])


@pytest.mark.parametrize(
    ("demand", "words"),
    [
        ({"cpus_per_member": 64}, "asks for 64 CPU and 0 GPU"),
        ({"gpus_per_member": 1}, "asks for 1 CPU and 1 GPU"),
    ],
)
def test_demand_that_no_machine_meets_is_refused_at_once(
    make_config: Callable[..., RunConfig], demand: dict[str, int], words: str
) -> None:
    config = make_config("greedy", resources=demand)
    started = time.monotonic()
    with pytest.raises(ResourceError, match=rf"{words} on one machine; .*: 2 CPU, 0 GPU"):
        run_training(config)
    assert time.monotonic() - started < 5
