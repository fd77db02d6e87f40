"""The checker finds everything at once, and says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from smm4h_core.corpora.check import check
from smm4h_core.corpora.problems import Problem
from smm4h_core.corpora.smm4h import write_annotated
from smm4h_core.errors import DataError
from smm4h_core.types import AnnotatedPost, Mention, Post, Span
from tests.unit.corpora.damage import damage

SENTENCE = "the pills made me sleep for fourteen hours and wake up sad"


def _file(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(row.replace("|", "\t") + "\n" for row in rows).encode("latin-1"))
    return path


def _found(problems: list[Problem]) -> list[tuple[str, int, str, str]]:
    return [(p.path.name, p.line, p.code, p.severity) for p in problems]


def test_check_counts_a_mention_in_parts_as_a_span(tmp_path: Path) -> None:
    mention = Mention(Span(0, 8), "so sad", fragments=(Span(0, 2), Span(5, 8)))
    post = AnnotatedPost(Post("1", "so, " + " sad"), True, (mention,))
    write_annotated(tmp_path / "train", [post], "1b")
    assert check(tmp_path) == []
    path = tmp_path / "train" / "fragments.tsv"
    path.write_text(path.read_text().replace("5-8", "5-9"))
    assert _found(check(tmp_path)) == [
        ("fragments.tsv", 2, "offset-outside", "error"),
        ("tweets.tsv", 2, "positive-without-span", "note"),
    ]


def test_check_reads_public_originals_by_their_shape(write_cadec, write_rudrec) -> None:
    entity = {"entity_type": "ADR", "entity_text": "сон", "start": 0, "end": 9}
    path = write_rudrec([{"file_name": "1.tsv", "text": "сон", "entities": [entity]}])
    folder = write_cadec("A.1", "so sad", original=["T1~ADR 3 6~bad"], meddra=[])
    assert _found(check(path)) == [("rudrec_annotated.json", 1, "offset-outside", "error")]
    assert _found(check(folder)) == [("A.1.ann", 1, "span-mismatch", "error")]
    assert _found(check(folder.parent)) == [
        ("A.1.ann", 1, "span-mismatch", "error"),
        ("rudrec_annotated.json", 1, "offset-outside", "error"),
    ]


def test_check_finds_nothing_in_a_sound_corpus(tmp_path: Path) -> None:
    for split, text in {"train": "so sleepy", "dev": "quite sad", "test": "all well"}.items():
        mention = Mention(Span(3, 6), text[3:6], "ADE", "10041349")
        posts = [AnnotatedPost(Post(split, text), True, (mention,))]
        write_annotated(tmp_path / split, posts, "1c")
    assert check(tmp_path) == []


def test_check_collects_every_problem_of_a_file(tmp_path: Path) -> None:
    path = _file(
        tmp_path / "corpus.tsv",
        "tweet_id|tweet|label|start|end|span",
        "1|so sleepy|ADE|3|9|Sleepy",
        "1|so sleepy|ADE|3|8|sleepy",
        "1|so sleepy|ADE|3|10|sleepy",
        "1|so sleepy|ADE|3|9|Sleepy",
        "2|caf\xe9|maybe|0|4|caf?",
        "|lost|ADE|0|4|lost",
        "3|sad|ADE|x|3|sad",
        "4|short",
        "5|well|NoADE|0|4|well",
        "6|bad|ADE|||",
    )
    assert _found(check(path)) == [
        ("corpus.tsv", 2, "span-case", "note"),
        ("corpus.tsv", 3, "span-mismatch", "error"),
        ("corpus.tsv", 4, "offset-outside", "error"),
        ("corpus.tsv", 5, "doubled-span", "note"),
        ("corpus.tsv", 5, "span-case", "note"),
        ("corpus.tsv", 6, "bad-encoding", "error"),
        ("corpus.tsv", 6, "span-mismatch", "error"),
        ("corpus.tsv", 6, "unknown-label", "error"),
        ("corpus.tsv", 7, "missing-id", "error"),
        ("corpus.tsv", 8, "bad-offset", "error"),
        ("corpus.tsv", 8, "positive-without-span", "note"),
        ("corpus.tsv", 9, "wrong-columns", "error"),
        ("corpus.tsv", 10, "negative-with-span", "note"),
        ("corpus.tsv", 10, "span-on-negative", "error"),
        ("corpus.tsv", 11, "positive-without-span", "note"),
    ]


def test_check_holds_the_files_of_a_split_against_each_other(tmp_path: Path) -> None:
    _file(tmp_path / "tweets.tsv", "tweet_id|tweet", "1|so sad", "1|so sad", "2|well", "3| ", "4|a")
    _file(tmp_path / "class.tsv", "tweet_id|label", "1|ADE", "2|NoADE", "3|0", "9|ADE", "9|ADE")
    _file(tmp_path / "spans.tsv", "tweet_id|label|start|end|span", "2|ADE|0|4|well", "8|ADE|0|1|a")
    _file(tmp_path / "spans_norm.tsv", "tweet_id|label|start|end|span|ptid", "2|ADE|0|4|well|")
    assert _found(check(tmp_path)) == [
        ("class.tsv", 0, "post-without-label", "error"),
        ("class.tsv", 5, "label-without-post", "error"),
        ("class.tsv", 6, "doubled-id", "error"),
        ("spans.tsv", 3, "unknown-id", "error"),
        ("spans_norm.tsv", 2, "missing-concept", "note"),
        ("tweets.tsv", 2, "positive-without-span", "note"),
        ("tweets.tsv", 3, "doubled-id", "error"),
        ("tweets.tsv", 4, "negative-with-span", "note"),
        ("tweets.tsv", 5, "empty-text", "note"),
    ]


def test_check_reads_a_submission(tmp_path: Path) -> None:
    path = _file(tmp_path / "pred.tsv", "tweet_id|label", "1|ADE", "1|NoADE", "2|perhaps")
    assert _found(check(path)) == [
        ("pred.tsv", 3, "doubled-id", "error"),
        ("pred.tsv", 4, "unknown-label", "error"),
    ]


def test_check_finds_what_leaks_between_splits(tmp_path: Path) -> None:
    _file(tmp_path / "c/train/tweets.tsv", "tweet_id|tweet", "c-d1-1|one", f"2|{SENTENCE}")
    _file(tmp_path / "c/dev/tweets.tsv", "tweet_id|tweet", "c-d1-2|two", "c-d1-3|three", "4|zero")
    _file(tmp_path / "c/test/tweets.tsv", "tweet_id|tweet", f"5|{SENTENCE} now", "6|ZERO ", "7|not")
    problems = check(tmp_path)
    assert [(p.path.parent.name, p.line, p.code, p.severity) for p in problems] == [
        ("test", 3, "leak", "error"),
        ("train", 2, "leak", "error"),
        ("train", 3, "near-leak", "note"),
    ]
    assert "expected its text in test alone, got '4' in" in problems[0].message
    assert "c/dev/tweets.tsv:4" in problems[0].message


def test_check_finds_leaks_between_files_too_and_names_each_group_once(tmp_path: Path) -> None:
    _file(
        tmp_path / "1a_train.tsv", "tweet_id|user_id|tweet|label", "1|u|a|0", "2|u|b|0", "3|w|c|0"
    )
    _file(tmp_path / "1a_test.tsv", "tweet_id|user_id|tweet|label", "4|u|d|0")
    _file(tmp_path / "1b_test.tsv", "tweet_id|user_id|tweet|label", "4|u|d|0")
    assert _found(check(tmp_path)) == [("1a_train.tsv", 2, "leak", "error")]


def test_check_passes_over_other_tables_in_a_folder_and_refuses_them_alone(tmp_path: Path) -> None:
    path = _file(tmp_path / "terms.tsv", "concept_id|term", "1|a")
    assert _found(check(tmp_path)) == [("terms.tsv", 1, "not-a-corpus", "note")]
    assert _found(check(path)) == [("terms.tsv", 1, "wrong-columns", "error")]


def test_check_reports_a_header_with_a_column_it_does_not_know(tmp_path: Path) -> None:
    (problem,) = check(_file(tmp_path / "a.tsv", "tweet_id|tweet|label|mood", "1|a|ADE|b"))
    assert (problem.line, problem.code) == (1, "wrong-columns")
    assert problem.message.endswith("got tweet_id, tweet, label, mood")


def test_check_says_where_there_is_no_corpus(tmp_path: Path) -> None:
    assert [problem.code for problem in check(tmp_path)] == ["no-corpus"]
    with pytest.raises(DataError, match="expected a file or a folder, got nothing"):
        check(tmp_path / "absent")


def test_check_enters_a_folder_once_however_its_links_loop(tmp_path: Path) -> None:
    _file(tmp_path / "c" / "a.tsv", "tweet_id|tweet|label", "1|a|maybe")
    for name in ("up", "again"):
        (tmp_path / "c" / name).symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    assert _found(check(tmp_path)) == [
        ("a.tsv", 2, "unknown-label", "error"),
        ("again", 0, "linked-folder", "note"),
        ("up", 0, "linked-folder", "note"),
    ]


def test_check_passes_over_hidden_files_and_folders(tmp_path: Path) -> None:
    for name in ("._train.tsv", ".cache/a.tsv"):
        _file(tmp_path / name, "tweet_id|tweet|label", "1|a|maybe")
    assert [problem.code for problem in check(tmp_path)] == ["no-corpus"]


def test_check_collects_a_damaged_original_with_the_rest(tmp_path: Path, write_psytar) -> None:
    path = write_psytar([("z.1", 1, "Dry mouth.", 1)])
    damage(path, "xl/workbook.xml")
    _file(tmp_path / "z.tsv", "tweet_id|tweet|label", "1|a|maybe")
    assert _found(check(tmp_path)) == [
        ("PsyTAR_dataset.xlsx", 0, "unreadable", "error"),
        ("z.tsv", 2, "unknown-label", "error"),
    ]
    assert [problem.code for problem in check(path)] == ["unreadable"]


def test_check_shows_the_beginning_of_a_file_without_a_header(tmp_path: Path) -> None:
    (problem,) = check(_file(tmp_path / "a.tsv", "a post " * 1000))
    assert len(problem.message) < 400
