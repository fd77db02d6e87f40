"""Submissions hold every answer, in the organisers' columns, and the same bytes each time."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from smm4h_core.corpora.shapes import Task
from smm4h_core.corpora.submission import Answer, answer_of, read_predictions, write_submission
from smm4h_core.errors import DataError
from smm4h_core.types import AnnotatedPost, Mention, Post, Span

BIG_ID = "9007199254740993"
SLEEPY = Mention(Span(3, 9), "sleepy", "ADE", "10041349")
UNLINKED = Mention(Span(12, 15), "sad")


@pytest.mark.parametrize(
    ("task", "content"),
    [
        ("1a", f"tweet_id\tlabel\n{BIG_ID}\tADE\n2\tNoADE\n"),
        ("2", f"tweet_id\tlabel\n{BIG_ID}\t1\n2\t0\n"),
        (
            "1b",
            "tweet_id\tlabel\tstart\tend\tspan\n"
            f"{BIG_ID}\tADE\t3\t9\tsleepy\n{BIG_ID}\tADE\t12\t15\tsad\n",
        ),
        (
            "1c",
            "tweet_id\tlabel\tstart\tend\tspan\tptid\n"
            f"{BIG_ID}\tADE\t3\t9\tsleepy\t10041349\n{BIG_ID}\tADE\t12\t15\tsad\t\n",
        ),
    ],
)
def test_write_submission_puts_one_table_in_one_archive(
    tmp_path: Path, task: Task, content: str
) -> None:
    path = tmp_path / "answer.zip"
    answers = [Answer(BIG_ID, True, (SLEEPY, UNLINKED)), Answer("2", False)]
    write_submission(path, task, answers)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["answer.tsv"]
        assert archive.read("answer.tsv").decode() == content
    write_submission(tmp_path / "answer.tsv", task, answers)
    assert (tmp_path / "answer.tsv").read_text() == content


def test_write_submission_gives_the_same_bytes_at_any_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_submission(tmp_path / "answer.zip", "1a", [Answer("1", True)])
    first = (tmp_path / "answer.zip").read_bytes()
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_submission(tmp_path / "answer.zip", "1a", iter([Answer("1", True)]))
    assert (tmp_path / "answer.zip").read_bytes() == first


@pytest.mark.parametrize("name", ["answer.tsv", "answer.zip"])
def test_read_predictions_reads_back_what_was_written(tmp_path: Path, name: str) -> None:
    answers = [Answer(BIG_ID, True, (SLEEPY, UNLINKED, SLEEPY)), Answer("2", True, (UNLINKED,))]
    write_submission(tmp_path / name, "1c", answers)
    assert read_predictions(tmp_path / name, "1c") == answers
    labels = [Answer("3", False), Answer(BIG_ID, True)]
    write_submission(tmp_path / name, "2", labels)
    assert read_predictions(tmp_path / name, "2") == labels


def test_write_submission_loses_no_answer_to_its_quotation(tmp_path: Path) -> None:
    path = tmp_path / "answer.tsv"
    mention = Mention(Span(0, 7), "a\tb\r\nc\ud83d")
    write_submission(path, "1b", [Answer("1", True, (mention,))])
    assert read_predictions(path, "1b")[0].mentions == (Mention(Span(0, 7), "a b  c "),)


def test_read_predictions_takes_a_gold_file_with_its_texts(tmp_path: Path) -> None:
    path = tmp_path / "gold.tsv"
    path.write_text("tweet_id\ttweet\tlabel\n1\ta\tADE\n")
    assert read_predictions(path, "1a") == [Answer("1", True)]


@pytest.mark.parametrize("post_ids", [["1", "1"], [""]])
def test_write_submission_refuses_doubled_and_blank_ids(
    tmp_path: Path, post_ids: list[str]
) -> None:
    with pytest.raises(DataError, match="expected each tweet_id once and none blank"):
        write_submission(tmp_path / "a.tsv", "1b", [Answer(name, False) for name in post_ids])


def test_write_submission_refuses_another_ending(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ending in \.tsv or \.zip, got '\.csv'"):
        write_submission(tmp_path / "answer.csv", "1a", [])


def test_read_predictions_refuses_a_doubled_answer(tmp_path: Path) -> None:
    path = tmp_path / "pred.tsv"
    path.write_text("tweet_id\tlabel\n1\tADE\n1\tADE\n")
    with pytest.raises(DataError, match=r"pred\.tsv:3: expected each tweet_id once"):
        read_predictions(path, "1a")


def test_answer_of_takes_an_unlabelled_post_by_its_mentions() -> None:
    post = Post("1", "so sleepy")
    assert answer_of(AnnotatedPost(post, None, (SLEEPY,))) == Answer("1", True, (SLEEPY,))
    assert answer_of(AnnotatedPost(post)) == Answer("1", False)
    assert answer_of(AnnotatedPost(post, True)).label


@pytest.mark.parametrize("name", ["answer.tsv", "answer.zip"])
def test_write_submission_puts_the_file_in_place_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_submission(path, "1a", [Answer("1", True)])
    before = path.read_bytes()
    # A reader that has the old file open, or another name of it, must not see it change.
    os.link(path, tmp_path / "reader")
    write_submission(path, "1a", [Answer("1", False)])
    assert (tmp_path / "reader").read_bytes() == before != path.read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == [name, "reader"]
