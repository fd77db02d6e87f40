import csv
import json
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from smm4h_core.batch import PART_ROWS
from smm4h_core.pipeline import load_pipeline
from smm4h_core.reports import report_to_json
from smm4h_core.types import Post

ROOT = Path(__file__).parents[3]
TEXTS = {"17": "slept for 14 hours", "18": "feeling fine, thanks"}


@pytest.fixture
def split(tmp_path: Path) -> Path:
    folder = tmp_path / "split"
    folder.mkdir()
    lines = [f"{post_id}\t{text}\n" for post_id, text in TEXTS.items()]
    (folder / "tweets.tsv").write_text("tweet_id\ttweet\n" + "".join(lines))
    return folder


def reports_of(bundle: Path) -> list[dict[str, object]]:
    posts = [Post(post_id, text) for post_id, text in TEXTS.items()]
    return [report_to_json(report) for report in load_pipeline(bundle).process(posts)]


def test_predict_adds_answers_to_the_columns_of_a_split_folder(
    smm4h, tiny_bundle: Path, split: Path, tmp_path: Path
) -> None:
    ended = smm4h("predict", tiny_bundle, split, tmp_path / "out.csv")

    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith("2 posts, ")
    assert "posts/s" in ended.err
    with (tmp_path / "out.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row, expected in zip(rows, reports_of(tiny_bundle), strict=True):
        assert row["tweet"] == TEXTS[row["tweet_id"]]
        assert float(row["ade_prob"]) == expected["ade"]["prob"]
        assert row["ade_label"] == expected["ade"]["label"]
        assert row["ade_votes"] == str(expected["ade"]["votes"][0])
        assert row["bundle"] == "tiny@1"


def test_predict_streams_lines_to_reports(smm4h, tiny_bundle: Path) -> None:
    lines = "\n".join(TEXTS.values()).encode()

    ended = smm4h("predict", tiny_bundle, "-", "-", stdin=lines)

    reports = [json.loads(line) for line in ended.out.splitlines()]
    assert [report["post_id"] for report in reports] == ["1", "2"]
    assert [report["ade"] for report in reports] == [
        report["ade"] for report in reports_of(tiny_bundle)
    ]


def test_predict_takes_the_language_where_posts_state_none(
    smm4h, tiny_bundle: Path, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": 1, "text": "a"}\n{"id": 2, "text": "b", "lang": "en"}\n')

    ended = smm4h("predict", tiny_bundle, path, "-", "--lang", "ru")

    # The bundle is English: the language given is the first post's, and is refused.
    assert ended.code == 1
    assert "post '1': expected one of the bundle's languages, en; got ru" in ended.err
    ended = smm4h("predict", tiny_bundle, path, "-", "--lang", "en")
    assert [json.loads(line)["lang"] for line in ended.out.splitlines()] == ["en", "en"]


@pytest.mark.parametrize(("task", "words"), [("1a", ("ADE", "NoADE")), ("2", ("1", "0"))])
def test_predict_writes_a_submission(
    smm4h, tiny_bundle: Path, split: Path, tmp_path: Path, task: str, words: tuple[str, str]
) -> None:
    ended = smm4h("predict", tiny_bundle, split, tmp_path / "s.zip", "--task", task, "--json")

    assert ended.code == 0
    summary = json.loads(ended.out)
    assert (summary["bundle"], summary["posts"]) == ("tiny@1", 2)
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        header, *rows = archive.read("s.tsv").decode().splitlines()
    labels = [report["ade"]["label"] for report in reports_of(tiny_bundle)]
    assert header == "tweet_id\tlabel"
    assert rows == [
        f"{post_id}\t{words[0] if label == 'ADE' else words[1]}"
        for post_id, label in zip(TEXTS, labels, strict=True)
    ]
    assert summary["positives"] == labels.count("ADE")


def test_predict_names_the_line_of_a_bad_row_and_writes_nothing(
    smm4h, tiny_bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "in.tsv").write_text("id\ttext\n1\ta\n2\n")

    ended = smm4h("predict", tiny_bundle, tmp_path / "in.tsv", tmp_path / "out.tsv")

    assert ended.code == 1
    assert "in.tsv:3: expected 2 cells, got 1" in ended.err
    assert not (tmp_path / "out.tsv").exists()


def test_predict_refuses_an_altered_bundle(smm4h, split: Path, tmp_path: Path) -> None:
    ended = smm4h("predict", tmp_path, split, "-")

    assert ended.code == 1
    assert "is not a bundle" in ended.err


@pytest.mark.parametrize(
    ("out", "options", "complaint"),
    [
        ("out.tsv", ["--task", "1b"], "no extractor"),
        ("out.tsv", ["--task", "1c"], "no linker"),
        ("out.tsv", ["--task", "3"], "'3'"),
        ("out.csv", ["--task", "1a"], ".tsv, .zip"),
        ("-", ["--task", "1a"], ".tsv, .zip"),
        ("out.xlsx", [], ".parquet"),
        ("no/out.tsv", [], "no such folder"),
        ("-", ["--json"], "holds the answers"),
    ],
)
def test_predict_refuses_wrong_use(
    smm4h, tiny_bundle: Path, split: Path, out: str, options: list[str], complaint: str
) -> None:
    ended = smm4h("predict", tiny_bundle, split, out, *options)

    assert ended.code == 2
    assert complaint in ended.err


def test_predict_does_not_replace_the_posts_by_their_answers(
    smm4h, tiny_bundle: Path, split: Path
) -> None:
    posts = split / "tweets.tsv"
    before = posts.read_bytes()
    for source in (posts, split):
        ended = smm4h("predict", tiny_bundle, source, posts, "--task", "1a")
        assert ended.code == 2
        assert "would replace the posts" in ended.err
    assert posts.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "rows", "options", "complaint"),
    [
        (
            "posts.tsv",
            "1\ta\n2\tb\n1\tc\n",
            ["--task", "1a"],
            "posts.tsv:4: expected each tweet_id",
        ),
        ("posts.csv", '1,"a\nb"\n', [], "posts.csv:2: a tab or a line end"),
    ],
)
def test_predict_tells_what_the_answers_cannot_hold_before_answering(
    smm4h,
    tiny_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    rows: str,
    options: list[str],
    complaint: str,
) -> None:
    def answer(*_: object) -> None:
        raise AssertionError("answered before the table was accepted")

    monkeypatch.setattr("smm4h_core.pipeline.Pipeline.process", answer)
    mark = "\t" if name.endswith(".tsv") else ","
    (tmp_path / name).write_text(f"tweet_id{mark}tweet\n{rows}")
    ended = smm4h("predict", tiny_bundle, tmp_path / name, tmp_path / "out.tsv", *options)
    assert ended.code == 1
    assert complaint in ended.err


def test_predict_refuses_an_input_that_is_not_there(smm4h, tiny_bundle: Path) -> None:
    ended = smm4h("predict", tiny_bundle, "nothing.tsv", "-")

    assert ended.code == 2
    assert "no such file" in ended.err


def test_predict_goes_on_after_kill_9_and_ends_as_an_undisturbed_one(
    smm4h, tiny_bundle: Path, tmp_path: Path
) -> None:
    posts = tmp_path / "posts.csv"
    with posts.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(("id", "text", "kept"))
        rows.writerows((n, f"slept {n % 50} hours", f"row {n}") for n in range(2 * PART_ROWS + 7))
    killed, whole = tmp_path / "killed.csv", tmp_path / "whole.csv"
    command = [sys.executable, "-m", "ray_jobs", "predict", *map(str, (tiny_bundle, posts, killed))]
    first_part = tmp_path / ".killed.csv.parts" / "000000.csv"
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as running:
        deadline = time.monotonic() + 120
        while not first_part.exists() and time.monotonic() < deadline and running.poll() is None:
            time.sleep(0.01)
        running.kill()
    assert running.returncode == -signal.SIGKILL
    assert first_part.exists()
    assert not killed.exists()
    done_before = first_part.read_bytes()

    ended = smm4h("predict", tiny_bundle, posts, killed)
    assert ended.code == 0, ended.err
    assert ended.err.startswith(f"{2 * PART_ROWS + 7} posts, ")
    assert smm4h("predict", tiny_bundle, posts, whole).code == 0
    assert killed.read_bytes() == whole.read_bytes()
    assert killed.read_bytes().startswith(done_before)
    with killed.open(newline="", encoding="utf-8") as stream:
        assert [row["kept"] for row in csv.DictReader(stream)] == [
            f"row {n}" for n in range(2 * PART_ROWS + 7)
        ]
    assert not list(tmp_path.glob(".*"))
