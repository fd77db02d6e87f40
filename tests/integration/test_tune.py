"""Searches through Ray Tune: the driver is killed and the same command goes on; trials fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from ray_jobs.search_run import run_search
from ray_jobs.trial_ledger import TrialLedger
from smm4h_core.config import RunConfig, read_config
from smm4h_core.errors import ResourceError, TrainingError
from smm4h_core.search.config import SearchConfig, read_search
from smm4h_core.search.space import TrainingSpace
from smm4h_core.search.trials import read_trials, trial_storage
from smm4h_core.storage import open_storage

pytestmark = pytest.mark.ray

NUM_TRIALS, NUM_EPOCHS = 20, 6
KILL_AFTER = 6
"""Trials that have ended when the driver is killed."""
SPACE = {
    "training.learning_rate": {"log_uniform": [1e-4, 1e-2]},
    "network.dropout": {"uniform": [0.0, 0.5]},
    "training.oversample": {"choice": [False, True]},
}


@pytest.fixture
def make_search(make_config: Callable[..., RunConfig]) -> Callable[..., Path]:
    """Writes a search around a tiny run; returns its YAML."""

    def make(name: str, *, base: dict[str, Any] | None = None, **keys: Any) -> Path:
        run = make_config(f"{name}-base", training={"epochs": NUM_EPOCHS}, **(base or {}))
        folder = Path(run.storage)
        (folder / "base.yaml").write_text(yaml.safe_dump(run.model_dump(mode="json")))
        search = {"kind": "training", "name": name, "storage": str(folder), "base": "base.yaml"}
        path = folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**search, "space": SPACE, "trials": NUM_TRIALS, **keys}))
        return path

    return make


def read_training(path: Path, *overrides: str) -> tuple[SearchConfig, TrainingSpace]:
    found = read_search(path, overrides)
    assert isinstance(found, tuple)
    return found


def test_search_survives_the_kill_of_its_driver(
    make_search: Callable[..., Path], ray_environment: dict[str, str]
) -> None:
    path = make_search("killed", grace_epochs=1, reduction_factor=2)
    folder = path.parent / "killed"
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment = {**ours, **ray_environment, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "ray_jobs", "tune", str(path), "--json"]

    driver = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    search = open_storage(str(folder))
    while sum(trial.state != "open" for trial in read_trials(search)) < KILL_AFTER:
        assert driver.poll() is None, "it ended before it could be killed"
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    before = read_trials(search)
    assert len(before) < NUM_TRIALS

    resumed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert resumed.returncode == 0, resumed.stderr
    result = json.loads(resumed.stdout)
    trials = result["trials"]
    assert [trial["number"] for trial in trials] == list(range(NUM_TRIALS))
    assert {trial["state"] for trial in trials} <= {"finished", "stopped"}
    ended = {trial.number for trial in before if trial.state != "open"}
    assert result["trained"] == NUM_TRIALS - len(ended)  # none of them was trained again
    assert all(
        json.loads(json.dumps(dict(trial.values))) == trials[trial.number]["values"]
        for trial in before
    )
    for trial in trials:
        if trial["state"] == "finished":
            assert [epoch["epoch"] for epoch in trial["epochs"]] == list(range(1, NUM_EPOCHS + 1))

    table = pq.read_table(folder / "trials.parquet")
    assert table["trial"].to_pylist() == list(range(NUM_TRIALS))
    best = read_config(folder / "best.yaml")
    assert best.training.learning_rate == result["best"]["values"]["training.learning_rate"]
    assert best.name == "killed-best"
    for picture in ("parallel_coordinates", "importance", "thresholds"):
        assert (folder / "plots" / f"{picture}.png").stat().st_size > 10_000


@pytest.mark.usefixtures("ray_local")
def test_trial_that_fails_is_counted_and_named_and_the_others_go_on(
    make_search: Callable[..., Path],
) -> None:
    # At that rate the second step has no finite loss.
    space = {"training.learning_rate": {"choice": [3e-3, 1e30]}}
    path = make_search("failing", space=space, trials=2, scheduler="none")
    outcome = run_search(*read_training(path))
    by_rate = {trial.values["training.learning_rate"]: trial for trial in outcome.trials}
    failed, finished = by_rate[1e30], by_rate[3e-3]
    assert (failed.state, failed.failures, failed.hopeless) == ("failed", 1, True)
    assert "loss" in failed.error
    assert outcome.best == finished
    table = pq.read_table(path.parent / "failing" / "trials.parquet")
    assert sorted(table["state"].to_pylist()) == ["failed", "finished"]

    again = run_search(*read_training(path, "trials=3"))
    assert (again.num_trained, again.exhausted) == (0, True)
    assert again.trials == outcome.trials


@pytest.mark.usefixtures("ray_local")
def test_search_of_another_space_under_the_same_name_is_refused(
    make_search: Callable[..., Path],
) -> None:
    path = make_search("claimed", trials=1, scheduler="none")
    run_search(*read_training(path))
    with pytest.raises(TrainingError, match="claimed was begun as another search"):
        run_search(*read_training(path, "seed=5"))


@pytest.mark.usefixtures("ray_local")
def test_search_that_no_machine_can_hold_is_refused_at_once(
    make_search: Callable[..., Path],
) -> None:
    path = make_search("greedy-search", base={"resources": {"cpus_per_member": 64}})
    started = time.monotonic()
    with pytest.raises(ResourceError, match=r"asks for 64 CPU and 0 GPU on one machine"):
        run_search(*read_training(path))
    assert time.monotonic() - started < 5


@pytest.mark.usefixtures("ray_local")
def test_trial_whose_worker_is_killed_goes_on_from_its_checkpoint(
    make_search: Callable[..., Path],
) -> None:
    from ray_jobs.search import run_trials

    path = make_search("lost", trials=1, scheduler="none")
    config, space = read_training(path, "attempts=2")
    values = {"training.learning_rate": 3e-3, "network.dropout": 0.1, "training.oversample": False}
    killed: list[int] = []

    class Killing(TrialLedger):
        def hear(self, number: int, word: Mapping[str, Any]) -> None:
            super().hear(number, word)
            if word["epoch"] == 2 and not killed:
                killed.append(word["pid"])
                os.kill(word["pid"], signal.SIGKILL)

    ledger = Killing(open_storage(str(path.parent / "lost")), 1, lambda _: values)
    run_trials(config, space, ledger, num_places=1, watch=lambda _: None)
    [trial] = ledger.trials
    assert len(killed) == 1
    assert (trial.state, trial.failures) == ("finished", 1)
    assert "died" in trial.error
    assert [epoch.epoch for epoch in trial.epochs] == list(range(1, NUM_EPOCHS + 1))
    record = trial_storage(ledger.storage, 0).child("members", "s0-f0").read_json("member.json")
    assert record["resumed"]
