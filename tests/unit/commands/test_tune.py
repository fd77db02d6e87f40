"""The search over ensembles, through the command line; the one that trains needs Ray."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from ray_jobs.cli import app
from smm4h_core.classify.probability import Logit
from smm4h_core.config import config_from_mapping, read_config
from smm4h_core.errors import ConfigError, DataError
from smm4h_core.members.predictions import Predictions, write_predictions
from smm4h_core.members.train import RECORD, Member, member_storage, members_home
from smm4h_core.storage import open_storage

SEEDS = (0, 2, 3)


def store_run(folder: Path, name: str, *, skill: float, ids: str = "p") -> Path:
    """A run of three members with stored predictions on dev and test."""
    run = open_storage(str(folder)).child(name)
    config = config_from_mapping(
        {
            "name": name,
            "task": "1a",
            "storage": "somewhere",
            "data": {"train": [{"path": "a"}], "dev": [{"path": "b"}], "test": [{"path": "c"}]},
            "encoder": {"uri": "x"},
            "training": {"epochs": 1, "learning_rate": 1e-3},
            "ensemble": {"seeds": SEEDS, "rule": "majority"},
        }
    )
    run.write_json("config.json", config.model_dump(mode="json"))
    gold_draws = np.random.default_rng(7)
    gold = {split: gold_draws.random(120) < 0.4 for split in ("dev", "test")}
    draws = np.random.default_rng(int(skill * 10))
    for seed in SEEDS:
        member = member_storage(run, Member(seed))
        splits = []
        for split in ("dev", "test"):
            names = tuple(f"{ids}{split}{i}" for i in range(120))
            logits = Logit((gold[split] - 0.5) * skill + draws.normal(size=120))
            splits.append(Predictions(split, names, names, gold[split], logits))  # type: ignore[arg-type]
        write_predictions(member, splits)
        member.write_json(RECORD, {})
    return Path(run.root)


def write_search(folder: Path, **keys: Any) -> str:
    path = folder / "search.yaml"
    search = {"kind": "ensemble", "name": "joined", "storage": str(folder), "folds": 4, **keys}
    path.write_text(yaml.safe_dump(search))
    return str(path)


def test_tune_finds_the_abler_run_and_writes_a_run_that_joins_its_members(tmp_path: Path) -> None:
    runs = [str(store_run(tmp_path, name, skill=s)) for name, s in (("poor", 1.0), ("able", 3.0))]
    done = CliRunner().invoke(app, ["tune", write_search(tmp_path, runs=runs), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert len(found["candidates"]) == 2 * 3 * 4
    assert found["best"]["run"] == "able"
    assert found["best"]["held_out_f1"] == max(c["held_out_f1"] for c in found["candidates"])
    assert found["best"]["test"] is None

    config = read_config(tmp_path / "joined" / "best.yaml")
    assert config.name == "joined-best"
    assert list(config.ensemble.seeds) == found["best"]["seeds"]
    assert config.ensemble.rule == found["best"]["rule"]
    assert config.ensemble.threshold == "chosen"
    assert members_home(config).root == runs[1]

    table = pq.read_table(tmp_path / "joined" / "trials.parquet")
    assert table["held_out_f1"].to_pylist() == [c["held_out_f1"] for c in found["candidates"]]
    assert {Path(path).name for path in found["plots"]} == {
        *("parallel_coordinates.png", "importance.png", "thresholds.png"),
    }


def test_tune_reports_the_winner_on_test_only_when_asked(tmp_path: Path) -> None:
    run = str(store_run(tmp_path, "able", skill=3.0))
    path = write_search(tmp_path, runs=[run], subsets=["all"], rules=["mean"])
    asked = CliRunner().invoke(app, ["tune", path, "--set", "report_test=true"])
    assert asked.exit_code == 0, asked.output
    assert "test: F1 " in asked.stdout
    assert "held out from its fit on dev" in asked.stdout
    assert "test: F1" not in CliRunner().invoke(app, ["tune", path]).stdout


def test_tune_refuses_runs_that_answered_other_posts(tmp_path: Path) -> None:
    runs = [str(store_run(tmp_path, n, skill=2.0, ids=i)) for n, i in (("a", "x"), ("b", "y"))]
    done = CliRunner().invoke(app, ["tune", write_search(tmp_path, runs=runs)])
    assert isinstance(done.exception, DataError)
    assert "a and b: expected answers on the same posts, got 120 and 120, of which 0" in str(
        done.exception
    )


def test_tune_refuses_more_members_than_any_run_has(tmp_path: Path) -> None:
    run = str(store_run(tmp_path, "able", skill=2.0))
    search = write_search(tmp_path, runs=[run], subsets=["top"], sizes=[20])
    done = CliRunner().invoke(app, ["tune", search])
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception) == "sizes: expected at most 3, no run has 20 members"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda run: (run / "config.json").unlink(), r"config\.json: no such file"),
        (
            lambda run: (run / "members/s2-f0/member.json").unlink(),
            "3 seeds trained, got those of 2",
        ),
        (lambda run: run.rename(run.with_name("moved")), "folder of run 'able' to have its name"),
    ],
)
def test_tune_refuses_a_folder_that_holds_no_finished_run(
    tmp_path: Path, change: Any, says: str
) -> None:
    change(store_run(tmp_path, "able", skill=2.0))
    run = next(path for path in tmp_path.iterdir() if path.is_dir())
    done = CliRunner().invoke(app, ["tune", write_search(tmp_path, runs=[str(run)])])
    assert isinstance(done.exception, DataError)
    with pytest.raises(DataError, match=says):
        raise done.exception
