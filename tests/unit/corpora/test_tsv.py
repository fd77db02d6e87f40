"""Tables are read as they are written: unquoted, and every row of them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.corpora.problems import Problem
from smm4h_core.corpora.tsv import flatten_cell, format_table, read_header, read_rows
from smm4h_core.errors import DataError
from tests.unit.corpora.damage import damage

COLUMNS = ("tweet_id", "tweet")
CELL = st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"]))


def _write(folder: Path, content: bytes) -> Path:
    path = folder / "tweets.tsv"
    path.write_bytes(content)
    return path


def _cells(path: Path) -> list[list[str]]:
    return [list(row.cells.values()) for row in read_rows(path, COLUMNS)]


def test_read_rows_takes_a_stray_quote_as_a_character(tmp_path: Path) -> None:
    path = _write(tmp_path, b'tweet_id\ttweet\n1\t"so\n2\tb "c\n3\t"d"\n')
    assert _cells(path) == [["1", '"so'], ["2", 'b "c'], ["3", '"d"']]


def test_read_rows_ends_rows_at_line_feeds_only(tmp_path: Path) -> None:
    text = "a\u2028b\x85c\x0cd\x0be\rf"
    path = _write(tmp_path, f"tweet_id\ttweet\r\n1\t{text}\r\n2\tg".encode())
    assert _cells(path) == [["1", text], ["2", "g"]]


def test_read_rows_tolerates_a_byte_order_mark_and_other_case(tmp_path: Path) -> None:
    path = _write(tmp_path, b"\xef\xbb\xbfTweet_ID\t Tweet\n1\t\xef\xbb\xbfa\n")
    assert _cells(path) == [["1", "\ufeffa"]]


def test_read_rows_names_the_line_of_bad_utf8(tmp_path: Path) -> None:
    path = _write(tmp_path, b"tweet_id\ttweet\n1\tgood\n2\tb\xe9d\n3\tgood\n")
    with pytest.raises(DataError, match=r"tweets\.tsv:3: expected UTF-8, got byte 0xe9 at byte 4"):
        _cells(path)


def test_read_rows_collects_what_is_not_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, b"tweet_id\ttweet\n1\ta\tb\n2\t\xff\n3\n4\tlast\n\n")
    problems: list[Problem] = []
    rows = list(read_rows(path, COLUMNS, report=problems.append))
    assert [row.line for row in rows] == [3, 5]
    assert [(problem.line, problem.code) for problem in problems] == [
        (2, "wrong-columns"),
        (3, "bad-encoding"),
        (4, "wrong-columns"),
        (6, "blank-line"),
    ]


@pytest.mark.parametrize(
    "header",
    [b"", b"tweet_id\n", b"tweet_id\ttweet\tmood\n", b"tweet_id\ttweet\ttweet\n"],
    ids=["empty", "missing", "unknown", "doubled"],
)
def test_read_rows_says_which_columns_it_expected(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(
        DataError, match=r"tweets\.tsv:1: expected the columns tweet_id, tweet; got"
    ):
        _cells(_write(tmp_path, header))


def test_read_rows_refuses_a_path_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a file, got a folder"):
        _cells(tmp_path)
    with pytest.raises(DataError, match="expected a file, got nothing"):
        _cells(tmp_path / "absent.tsv")


def test_read_rows_reads_the_one_table_of_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "answer.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("answer.tsv", "tweet_id\ttweet\n1\ta\n")
        archive.writestr("__MACOSX/._answer.tsv", "noise")
        archive.writestr("._answer.tsv", "noise")
    assert _cells(path) == [["1", "a"]]


def test_read_rows_refuses_other_archives(tmp_path: Path) -> None:
    path = tmp_path / "answer.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.tsv", "")
        archive.writestr("two.tsv", "")
    with pytest.raises(DataError, match=r"one \.tsv in the archive, got one\.tsv, two\.tsv"):
        _cells(path)
    path.write_bytes(b"tweet_id\ttweet\n")
    with pytest.raises(DataError, match="expected a sound zip archive"):
        _cells(path)


def test_read_header_applies_aliases(tmp_path: Path) -> None:
    path = _write(tmp_path, b"tweet_id\tClass\n")
    assert read_header(path, aliases={"class": "label"}) == ("tweet_id", "label")


@given(rows=st.lists(st.tuples(CELL, CELL)))
def test_format_table_is_read_back_cell_by_cell(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.tsv"
    path.write_bytes(format_table(path, COLUMNS, rows))
    assert _cells(path) == [list(row) for row in rows]


@pytest.mark.parametrize("cell", ["a\tb", "a\nb", "a\r", "\ud83d"])
def test_format_table_refuses_what_no_cell_can_hold(cell: str) -> None:
    with pytest.raises(DataError, match=r"out\.tsv:3: expected a tweet .* at character"):
        format_table(Path("out.tsv"), COLUMNS, [("1", "fine"), ("2", cell)])


def test_read_rows_refuses_an_encrypted_archive(tmp_path: Path) -> None:
    path = tmp_path / "answer.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("answer.tsv", "tweet_id\ttweet\n1\ta\n")
    content = bytearray(path.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"answer\.zip: expected an archive without a password"):
        _cells(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_read_rows_refuses_a_damaged_archive(tmp_path: Path, compression: int) -> None:
    path = tmp_path / "answer.zip"
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("answer.tsv", "tweet_id\ttweet\n" + "1\tabc\n" * 99)
    damage(path, "answer.tsv")
    with pytest.raises(DataError, match="expected a sound zip archive"):
        _cells(path)


@given(text=st.text())
def test_flatten_cell_makes_any_text_a_cell_of_its_length(text: str) -> None:
    flat = flatten_cell(text + "\t\n\r\ud83d")
    assert len(flat) == len(text) + 4
    format_table(Path("out.tsv"), ("tweet_id",), [(flat,)])
