"""A bundle that holds an extractor alone, on the command line."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from smm4h_core.corpora.submission import read_predictions
from tests.unit.tagging import build_tagging, tagged_posts


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tagging")


@pytest.fixture(scope="module")
def bundle(root: Path, word_bert: Path) -> Path:
    from ray_jobs.run import run_training

    config = build_tagging(root, word_bert)(
        training={"epochs": 6, "learning_rate": 1e-2, "checkpoint_steps": None},
        ensemble={"seeds": [0]},
    )
    return Path(run_training(config, inline=True).bundle_location)


def test_predict_writes_a_submission_that_scores_as_evaluate_does(
    smm4h, bundle: Path, root: Path, tmp_path: Path
) -> None:
    out = tmp_path / "s.zip"
    ended = smm4h("predict", bundle, root / "test", out, "--task", "1b", "--json")
    assert ended.code == 0
    summary = json.loads(ended.out)
    answers = read_predictions(out, "1b")
    assert summary["positives"] is None
    assert summary["mentions"] == sum(len(each.mentions) for each in answers) > 0
    scored = smm4h("score", "--task", "1b", "--gold", root / "test", "--pred", out, "--json")
    errors = tmp_path / "errors"
    evaluated = smm4h(
        *("evaluate", bundle, "--task", "1b", "--gold", root / "test"),
        *("--errors", errors, "--json"),
    )
    assert (scored.code, evaluated.code) == (0, 0)
    told, expected = json.loads(evaluated.out), json.loads(scored.out)
    for scorer in ("official", "one_to_one"):
        for match, numbers in expected[scorer].items():
            assert {name: told[scorer][match][name] for name in numbers} == numbers
            assert len(told[scorer][match]["ci95"]["f1"]) == 2
    with (errors / "errors.csv").open(newline="", encoding="utf-8") as stream:
        kinds = {row["kind"] for row in csv.DictReader(stream)}
    assert kinds <= {"missed", "spurious", "boundary", "type"}
    assert (errors / "errors.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".csv"])
def test_predict_writes_mentions_into_tables(
    smm4h, bundle: Path, root: Path, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"out{suffix}"
    assert smm4h("predict", bundle, root / "test", out).code == 0
    if suffix == ".parquet":
        rows = pq.read_table(out).to_pylist()
    elif suffix == ".jsonl":
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    else:
        with out.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            row["mentions"] = json.loads(row["mentions"])
    text_of = {each.post.post_id: each.post.text for each in tagged_posts(8, start=200)}
    assert sum(len(row["mentions"]) for row in rows) > 0
    for row in rows:
        assert row["ade_label"] in (None, "")
        for each in row["mentions"]:
            assert text_of[row["tweet_id"]][each["start"] : each["end"]] == each["text"]
            assert each["votes"] == [1, 1]


def test_bundle_show_names_the_extractor(smm4h, bundle: Path) -> None:
    shown = json.loads(smm4h("bundle", "show", bundle, "--json").out)
    assert shown["parts"]["extractor"]["rule"]["kind"] == "vote"
    ended = smm4h("bundle", "show", bundle)
    assert "strict F1" in ended.out
    card = (bundle / "README.md").read_text(encoding="utf-8")
    assert "Marks the words" in card
    assert "| extractor | test | 8 | relaxed F1 |" in card


def test_tasks_of_labels_are_refused(smm4h, bundle: Path, root: Path, tmp_path: Path) -> None:
    ended = smm4h("predict", bundle, root / "test", tmp_path / "s.tsv", "--task", "1a")
    assert ended.code == 2
    assert "no classifier" in ended.err
    options = ("--task", "1b", "--gold", root / "test")
    assert smm4h("evaluate", bundle, *options).code == 0
