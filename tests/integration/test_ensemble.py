"""Two seeds of two folds through Ray Train: what they leave, what it serves, what resumes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ray_jobs.run import Outcome, run_training
from smm4h_core.bundle import verify_bundle
from smm4h_core.config import RunConfig
from smm4h_core.corpora.source import read_source
from smm4h_core.errors import TrainingError
from smm4h_core.members.predictions import read_predictions
from smm4h_core.pipeline import load_pipeline
from smm4h_core.storage import open_storage

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_local")]

MEMBERS = ("s0-f0", "s0-f1", "s1-f0", "s1-f1")


@pytest.fixture(scope="module")
def config(make_config: Callable[..., RunConfig]) -> RunConfig:
    return make_config("two-by-two", data={"folds": 2}, training={"select": "last"})


@pytest.fixture(scope="module")
def trained(config: RunConfig) -> Outcome:
    return run_training(config)


def test_run_trains_every_member_at_two_places(trained: Outcome) -> None:
    assert (trained.num_trained, trained.num_workers, trained.failed) == (4, 2, ())
    run = open_storage(trained.run_location)
    for name in MEMBERS:
        member = run.child("members", name)
        assert member.read_json("member.json")["name"] == name
        predictions = read_predictions(member)
        assert {split: len(each.gold) for split, each in predictions.items()} == {
            "oof": 20,
            "test": 8,
        }
    held_out = [read_predictions(run.child("members", name))["oof"].post_ids for name in MEMBERS]
    assert held_out[0] == held_out[2]
    assert len({*held_out[0], *held_out[1]}) == 40


def test_run_leaves_answers_scores_and_a_whole_bundle(trained: Outcome) -> None:
    run = open_storage(trained.run_location)
    result = run.read_json("result.json")
    assert result["splits"] == trained.result["splits"]
    assert result["seeds"] == [0, 1]
    assert {split: scores["n"] for split, scores in result["splits"].items()} == {
        "oof": 40,
        "test": 8,
    }
    assert result["splits"]["test"]["f1"] == 1.0  # the corpus is that easy
    manifest = verify_bundle(Path(trained.bundle_location))
    assert {name for name in manifest["files"] if name.startswith("classifier/members/")} == {
        f"classifier/members/{name}.safetensors" for name in MEMBERS
    }


def test_bundle_answers_what_was_evaluated(trained: Outcome, config: RunConfig) -> None:
    with open_storage(trained.run_location).read("answers.parquet") as stream:
        stored = pq.read_table(stream)
    stored = stored.filter(pc.equal(stored["split"], "test"))
    posts = read_source("test.tsv", "1a", "en", Path(config.data.root))
    reports = load_pipeline(Path(trained.bundle_location)).process([each.post for each in posts])
    assert [report.post_id for report in reports] == stored["post_id"].to_pylist()
    assert [report.ade.prob for report in reports] == pytest.approx(
        stored["prob"].to_pylist(), rel=0, abs=1e-6
    )
    assert [report.ade.is_ade for report in reports] == stored["label"].to_pylist()
    assert [report.ade.votes for report in reports] == stored["votes"].to_pylist()


def test_same_run_again_trains_nothing(trained: Outcome, config: RunConfig) -> None:
    weights = [
        Path(trained.run_location, "members", name, "weights.safetensors") for name in MEMBERS
    ]
    before = [path.stat().st_mtime_ns for path in weights]
    again = run_training(config)
    assert (again.num_trained, again.result) == (0, trained.result)
    assert [path.stat().st_mtime_ns for path in weights] == before


def test_other_learning_rate_under_the_same_name_is_refused(
    trained: Outcome, config: RunConfig
) -> None:
    run = open_storage(trained.run_location)
    written = run.read_json("config.json")
    training = config.training.model_copy(update={"learning_rate": 1e-3})
    with pytest.raises(TrainingError, match=r"s0-f0 was trained under another configuration"):
        run_training(config.model_copy(update={"training": training}))
    assert run.read_json("config.json") == written
