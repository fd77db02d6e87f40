"""COMETA's terms are located in their examples, which become posts once each."""

from __future__ import annotations

from pathlib import Path

import pytest

from smm4h_core.corpora.cometa import is_cometa, read_cometa
from smm4h_core.corpora.problems import Problem
from smm4h_core.errors import DataError
from smm4h_core.types import Mention, Post, Span

HEADER = (
    "ID|Term|General SNOMED Label|General SNOMED ID"
    "|Specific SNOMED Label|Specific SNOMED ID|Example"
)


def _table(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(row.replace("|", "\t") + "\n" for row in (header, *rows)), "utf-8")
    return path


def test_read_cometa_reads_each_example_once_with_all_its_terms(tmp_path: Path) -> None:
    _table(
        tmp_path / "train.csv",
        "0|brain fog|Foggy|1234567|Clouded|7654321|I had Brain Fog and a headache",
        "7|headache|Headache|25064002|Headache|25064002.0|I had Brain Fog and a headache",
    )
    _table(tmp_path / "test.csv", "3|rash|Rash|271807003|Rash||a rash")
    original = read_cometa(tmp_path)
    assert (original.unit, original.dropped) == ("document", {})
    foggy, rash = original.posts
    assert foggy.post == Post("cometa-0", "I had Brain Fog and a headache", "en")
    assert (foggy.label, foggy.group) == (None, "cometa-0")
    assert foggy.mentions == (
        Mention(Span(6, 15), "Brain Fog", "ADE", "7654321"),
        Mention(Span(22, 30), "headache", "ADE", "25064002"),
    )
    assert rash.mentions == (Mention(Span(2, 6), "rash"),)
    assert read_cometa(tmp_path, "general").posts[1].mentions[0].concept_id == "271807003"


def test_read_cometa_reads_cells_that_pandas_quoted(tmp_path: Path) -> None:
    path = _table(tmp_path / "dev.csv", '1|rash|Rash|1234567|Rash|1234567|"a ""rash""\nagain"')
    (post,) = read_cometa(path).posts
    assert post.post.text == 'a "rash"\nagain'
    assert post.mentions[0].span == Span(3, 7)


def test_read_cometa_reports_terms_that_it_does_not_find_and_goes_on(tmp_path: Path, found) -> None:
    path = _table(
        tmp_path / "train.csv",
        "1|rash|Rash|1234567|Rash|1234567|itching all over",
        "2|dry mouth|Dry|1234567|Dry|nan|a dry, sticky mouth",
        "1|rash|Rash|1234567|Rash|1234567|a rash",
        "|rash|Rash|1234567|Rash|1234567|a rash",
        "4|rash",
    )
    problems: list[Problem] = []
    itching, dry = read_cometa(path, report=problems.append).posts
    assert found(problems) == [
        ("train.csv", 2, "unlocated", "note"),
        ("train.csv", 3, "in-fragments", "note"),
        ("train.csv", 3, "missing-concept", "note"),
        ("train.csv", 4, "doubled-id", "error"),
        ("train.csv", 5, "doubled-id", "error"),
        ("train.csv", 6, "wrong-columns", "error"),
    ]
    assert itching.mentions == ()
    assert dry.mentions[0].fragments == (Span(2, 5), Span(14, 19))


def test_read_cometa_refuses_a_stray_quotation_mark_rather_than_swallow_rows(
    tmp_path: Path,
) -> None:
    path = _table(
        tmp_path / "train.csv",
        "1|rash|Rash|1234567|Rash|1234567|a rash",
        '2|rash|Rash|1234567|Rash|1234567|"a rash',
        "3|rash|Rash|1234567|Rash|1234567|a bad rash",
    )
    with pytest.raises(DataError, match=r"train\.csv:3: expected cells quoted as CSV"):
        read_cometa(path)


def test_read_cometa_refuses_a_table_without_its_columns(tmp_path: Path) -> None:
    path = _table(tmp_path / "train.csv", header="ID|Term|Example")
    with pytest.raises(DataError, match=r"train\.csv:1: expected the columns General SNOMED ID, "):
        read_cometa(path)


def test_is_cometa_looks_at_the_columns(tmp_path: Path) -> None:
    assert is_cometa(_table(tmp_path / "a" / "train.csv"))
    assert is_cometa(tmp_path / "a")
    assert not is_cometa(_table(tmp_path / "b" / "train.csv", header="ID,Term,Example"))
    assert not is_cometa(tmp_path / "b")
    assert not is_cometa(_table(tmp_path / "c.tsv"))


def test_is_cometa_knows_the_encodings_that_are_read(tmp_path: Path) -> None:
    path = _table(tmp_path / "train.csv", "1|rash|Rash|1234567|Rash|1234567|a rash")
    path.write_text(path.read_text("utf-8"), "utf-16")
    assert is_cometa(path)
    assert read_cometa(path).posts[0].post.text == "a rash"


def test_read_cometa_reads_an_example_of_any_length(tmp_path: Path) -> None:
    text = "a rash " + "b" * 140_000
    path = _table(tmp_path / "train.csv", f"1|rash|Rash|1234567|Rash|1234567|{text}")
    assert read_cometa(path).posts[0].post.text == text
