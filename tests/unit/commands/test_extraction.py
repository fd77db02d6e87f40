"""A bundle that holds an extractor alone, on the command line."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from smm4h_core.batch import answer_in_parts, open_table
from smm4h_core.corpora.submission import read_predictions
from smm4h_core.frames import process_frame
from smm4h_core.pipeline import load_pipeline
from smm4h_core.reports import PAIR_COLUMNS
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


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    texts = {
        1: "seroquel: so rash, again!",
        2: "no idea what to say of this",
        3: "so rash, again!",
        4: "zoloft and prozac: so rash, again!",
    }
    path = tmp_path / "in.jsonl"
    lines = [json.dumps({"id": n, "likes": n, "text": text}) for n, text in texts.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".csv", ".tsv"])
def test_predict_writes_a_row_for_each_drug_and_effect(
    smm4h, bundle: Path, posts: Path, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"out{suffix}"
    ended = smm4h("predict", bundle, posts, out, "--rows", "pairs", "--json")
    assert ended.code == 0
    if suffix == ".parquet":
        rows = pq.read_table(out).to_pylist()
    elif suffix == ".jsonl":
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    else:
        with out.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t" if suffix == ".tsv" else ","))
    told = [(str(row["id"]), str(row["likes"]), row["drug"] or None, row["effect"]) for row in rows]
    wanted = [("1", "quetiapine"), ("3", None), ("4", "sertraline"), ("4", "fluoxetine")]
    assert told == [(post, post, drug, "rash") for post, drug in wanted]
    summary = json.loads(ended.out)
    assert (summary["posts"], summary["mentions"], summary["pairs"]) == (4, 3, 4)
    streamed = smm4h("predict", bundle, posts, "-", "--rows", "pairs")
    lines = [json.loads(line) for line in streamed.out.splitlines()]
    assert [(each["post_id"], each["drug"]) for each in lines] == wanted


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".csv"])
def test_killed_answer_of_pairs_goes_on_and_ends_as_an_undisturbed_one(
    bundle: Path, posts: Path, tmp_path: Path, suffix: str
) -> None:
    pipeline = load_pipeline(bundle)
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"

    def answer(path: Path, on_rows: Callable[[int], None]) -> Counter[str]:
        return answer_in_parts(
            *(pipeline, open_table(posts), path),
            **{"job": {}, "rows": "pairs", "part_rows": 1, "on_rows": on_rows},
        )

    told: list[int] = []

    def die(rows: int) -> None:
        told.append(rows)
        if len(told) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        answer(cut, die)
    told = []
    counts = answer(cut, told.append)
    assert told == [2, 1, 1]
    assert answer(whole, lambda _: None) == {**counts, "resumed": 0}
    if suffix == ".parquet":
        assert pq.read_table(cut).equals(pq.read_table(whole))
    else:
        assert cut.read_bytes() == whole.read_bytes()


def test_pairs_of_a_report_are_those_of_its_post_alone(bundle: Path, posts: Path) -> None:
    pipeline = load_pipeline(bundle)
    read = [row.post for row in open_table(posts).rows]
    together = [report.pairs() for report in pipeline.process(read)]
    alone = [pipeline.process([post])[0].pairs() for post in read]
    assert [[(p.drug, p.mention.mention) for p in pairs] for pairs in together] == [
        [(p.drug, p.mention.mention) for p in pairs] for pairs in alone
    ]
    frame = pd.DataFrame({"text": [post.text for post in read]}, index=list("wxyz"))
    answered = process_frame(pipeline, frame, rows="pairs")
    assert list(answered.columns) == ["text", *PAIR_COLUMNS]
    assert list(answered.index) == ["w", "y", "z", "z"]
    assert list(answered["drug"].fillna("")) == ["quetiapine", "", "sertraline", "fluoxetine"]


def test_rows_of_pairs_are_refused_where_they_cannot_be(
    smm4h, bundle: Path, tiny_bundle: Path, posts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    ended = smm4h("predict", tiny_bundle, posts, out, "--rows", "pairs")
    assert ended.code == 2
    assert "rows of pairs needs a bundle with the part extractor" in " ".join(ended.err.split())
    options = ("--rows", "pairs", "--task", "1b")
    ended = smm4h("predict", bundle, posts, tmp_path / "s.tsv", *options)
    assert ended.code == 2
    assert "a submission has its own rows" in ended.err


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
