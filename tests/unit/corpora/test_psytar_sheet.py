"""PsyTAR's sheets are joined, and its strings placed in their sentences."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from openpyxl import Workbook

from smm4h_core.corpora.problems import Problem
from smm4h_core.corpora.psytar_sheet import is_psytar, read_psytar
from smm4h_core.errors import DataError
from smm4h_core.types import Mention, Post, Span
from tests.unit.corpora.damage import damage


def test_read_psytar_joins_sentences_strings_and_concepts(write_psytar) -> None:
    path = write_psytar(
        sentences=[
            ("Zolanex.1", 1, "Dry mouth, weird and vivid dreams.", 1, None),
            ("zolanex.1", 2, "It works.", None, None),
            ("zolanex.2", 1.0, "Brain zaps!", "!", 1),
            (None, None, None, 1, 1),
        ],
        strings=[
            ("zolanex.1", 1, "…", "dry mouth", " weird dreams "),
            ("zolanex.2", 1, "…", "Brain zaps"),
        ],
        mapped=[
            ("zolanex.1", 1, "Dry  mouth", "C0043352 / x", "Dry [A1/SNOMEDCT_US/FN/87715008]"),
            ("zolanex.1", 1, "weird dreams", "C0000001 / a", None, "C0000002 / b", 1234567),
            ("zolanex.2", 1, "brain zaps", "no code", None),
        ],
        withdrawal=[("zolanex.2", 1, "…", "zaps", "shakes")],
    )
    problems: list[Problem] = []
    original = read_psytar(path, report=problems.append)
    assert (original.unit, original.dropped) == ("sentence", {"WD": 2})
    dreams, works, zaps = original.posts
    text = "Dry mouth, weird and vivid dreams."
    assert dreams.post == Post("psytar-zolanex.1-1", text, "en")
    assert (dreams.label, dreams.group) == (True, "psytar-zolanex.1")
    assert dreams.mentions == (
        Mention(Span(0, 9), "Dry mouth", "ADE", "C0043352"),
        Mention(
            Span(11, 33), "weird dreams", "ADE", "C0000001", fragments=(Span(11, 16), Span(27, 33))
        ),
    )
    assert (works.label, works.mentions, works.group) == (False, (), "psytar-zolanex.1")
    assert (zaps.label, zaps.mentions) == (True, (Mention(Span(0, 10), "Brain zaps"),))
    assert [(p.line, p.code, p.severity) for p in problems] == [
        (3, "several-concepts", "note"),
        (2, "in-fragments", "note"),
    ]
    snomed = read_psytar(path, "snomed").posts[0].mentions
    assert [mention.concept_id for mention in snomed] == ["87715008", "1234567"]


def test_read_psytar_places_the_longest_strings_first(write_psytar) -> None:
    path = write_psytar(
        sentences=[("a.1", 1, "back pain and pain", 1)],
        strings=[("a.1", 1, "…", "pain", "back pain", "Pain")],
    )
    problems: list[Problem] = []
    (post,) = read_psytar(path, report=problems.append).posts
    assert [mention.span for mention in post.mentions] == [Span(0, 9), Span(14, 18)]
    assert [problem.code for problem in problems] == ["doubled-span"]


def test_read_psytar_reports_what_is_wrong_by_sheet_and_row(write_psytar) -> None:
    path = write_psytar(
        sentences=[
            ("a.1", 1, "so tired", None),
            ("a.1", 1, "so sad", 1),
            ("a.1", "two", "so sad", 1),
            ("a.1", 3, "so sad", "perhaps"),
            ("a.1", 4, "  ", 1),
        ],
        strings=[
            ("a.1", 1, "…", "tired", "insomnia"),
            ("a.9", 1, "…", "sad"),
        ],
    )
    problems: list[Problem] = []
    original = read_psytar(path, report=problems.append)
    assert [post.post.text for post in original.posts] == ["so tired", "so sad"]
    assert [(p.message.partition(":")[0], p.line, p.code, p.severity) for p in problems] == [
        ("Sentence_Labeling", 3, "doubled-id", "error"),
        ("Sentence_Labeling", 4, "bad-index", "error"),
        ("Sentence_Labeling", 5, "unknown-label", "error"),
        ("ADR_Identified", 3, "unknown-id", "error"),
        ("ADR_Identified", 2, "unlocated", "note"),
        ("ADR_Identified", 2, "negative-with-span", "note"),
    ]


def test_read_psytar_refuses_other_workbooks(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with pytest.raises(DataError, match=r"a\.xlsx: expected an \.xlsx workbook"):
        read_psytar(path)
    Workbook().save(path)
    assert not is_psytar(path)
    with pytest.raises(DataError, match="expected a sheet sentence_labeling, got Sheet"):
        read_psytar(path)


def test_read_psytar_says_which_columns_are_missing(tmp_path: Path) -> None:
    workbook = Workbook()
    workbook.active.title = "Sentence_Labeling"
    workbook.active.append(["drug_id", "sentences"])
    path = tmp_path / "a.xlsx"
    workbook.save(path)
    with pytest.raises(
        DataError, match=r"Sentence_Labeling: expected the columns sentence_index, "
    ):
        read_psytar(path)


def test_read_psytar_names_the_package_that_it_lacks(
    write_psytar, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_psytar(sentences=[])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(DataError, match=r"pip install 'smm4h\[corpora\]'"):
        read_psytar(path)


def test_is_psytar_looks_at_the_sheets(write_psytar, tmp_path: Path) -> None:
    assert is_psytar(write_psytar(sentences=[]))
    other = tmp_path / "b.xlsx"
    other.write_bytes(b"PK\x03\x04 no archive")
    assert not is_psytar(other)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet2.xml"])
def test_read_psytar_refuses_a_damaged_workbook(write_psytar, part: str) -> None:
    path = write_psytar([("z.1", number, f"Dry mouth {number}.", 1) for number in range(200)])
    damage(path, part)
    assert is_psytar(path)
    with pytest.raises(DataError, match=r"PsyTAR_dataset\.xlsx: expected "):
        read_psytar(path)
