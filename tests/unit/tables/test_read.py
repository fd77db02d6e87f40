import csv
import json
import tracemalloc
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smm4h_core.errors import DataError
from smm4h_core.tables.read import (
    Survey,
    read_lines,
    read_table,
    read_types,
    survey_table,
)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_read_table_takes_tsv_without_quoting_and_keeps_names(tmp_path: Path) -> None:
    path = write(tmp_path / "t.tsv", '\ufeffTweet_ID\tUser_ID\tTweet\r\n17\tu\t"no " quotes\r\n')

    (row,) = read_table(path, lang="en")

    assert row.cells == {"Tweet_ID": "17", "User_ID": "u", "Tweet": '"no " quotes'}
    assert (row.post.post_id, row.post.text, row.post.lang) == ("17", '"no " quotes', "en")
    assert row.place == f"{path}:2"


def test_read_table_takes_csv_with_quotes_and_line_ends_in_cells(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", 'id,text,note\r\n1,"a ""b"",\r\nc",\r\n2,d,e\r\n')

    rows = list(read_table(path))

    assert [row.post.text for row in rows] == ['a "b",\r\nc', "d"]
    assert [row.place for row in rows] == [f"{path}:2", f"{path}:4"]
    assert rows[0].cells["note"] == ""


def test_read_table_takes_jsonl_with_other_keys_in_each_line(tmp_path: Path) -> None:
    lines = [{"id": 9007199254740993, "text": "a", "likes": [1]}, {"post_id": "x", "tweet": "b"}]
    path = write(tmp_path / "t.jsonl", "\n\n".join(map(json.dumps, lines)))

    rows = list(read_table(path))

    assert [row.post.post_id for row in rows] == ["9007199254740993", "x"]
    assert [dict(row.cells) for row in rows] == lines
    assert rows[1].place == f"{path}:3"


def test_read_table_takes_parquet_with_typed_columns(tmp_path: Path) -> None:
    table = pa.table({"id": [2**60 + 1, 3], "text": ["a", "b"], "day": [date(2021, 6, 10), None]})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=1)

    rows = list(read_table(tmp_path / "t.parquet"))

    assert [row.post.post_id for row in rows] == [str(2**60 + 1), "3"]
    assert rows[0].cells["day"] == date(2021, 6, 10)
    assert rows[1].place == f"{tmp_path / 't.parquet'}:2"


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("t.tsv", "id\ttext\n1\ta\n2\n", r"t.tsv:3: expected 2 cells, got 1"),
        ("t.tsv", b"id\ttext\n1\t\xff\n", r"t.tsv:2: expected UTF-8, got byte 0xff"),
        ("t.tsv", "id\ttext\n \ta\n", r"t.tsv:2: expected id as text"),
        ("t.tsv", "", r"t.tsv:1: expected a column"),
        ("t.csv", "id,text\n1,a\n2,b,c\n", r"t.csv:3: expected 2 cells, got 3"),
        ("t.csv", 'id,text\n1,"a\n2,b\n', r"t.csv:2: expected CSV as RFC 4180"),
        ("t.csv", b"id,text\n1,a\n2,\xd0\n", r"t.csv:3: expected UTF-8"),
        ("t.csv", "id,body\n", r"t.csv:1: expected a column text or tweet"),
        ("t.jsonl", '{"id": 1, "text": "a"}\n{"id": 2', r"t.jsonl:2: expected a JSON object"),
        ("t.jsonl", '["id"]\n', r"t.jsonl:1: expected a JSON object, got list"),
        ("t.jsonl", '{"id": NaN, "text": "a"}\n', r"t.jsonl:1: .*NaN, which is no JSON"),
        ("t.jsonl", '{"id": 1.0, "text": "a"}\n', r"t.jsonl:1: expected id as text"),
        ("t.jsonl", '{"id": 1}\n', r"t.jsonl:1: expected a column text or tweet, got id"),
        ("t.jsonl", "[" * 100_000, r"t.jsonl:1: expected a JSON object"),
        ("t.parquet", "PAR1", r"t.parquet: expected a Parquet file"),
        ("t.xlsx", "", r"t.xlsx: expected a name ending in .tsv, .csv, .jsonl, .parquet"),
    ],
)
def test_survey_table_names_file_and_line_of_a_bad_row(
    tmp_path: Path, name: str, content: str | bytes, complaint: str
) -> None:
    path = write(tmp_path / name, content)

    with pytest.raises(DataError, match=complaint):
        survey_table(path)


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".jsonl", ".parquet"])
def test_read_table_says_that_a_file_is_not_there(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(DataError, match=f"none{suffix}: expected"):
        list(read_table(tmp_path / f"none{suffix}"))


def test_survey_table_joins_the_keys_of_all_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path / "t.jsonl", '{"id": 1, "text": "a"}\n{"id": 2, "b": 0, "text": "c", "d": 0}\n'
    )

    assert survey_table(path) == Survey(("id", "text", "b", "d"), 2)


def test_survey_table_of_a_header_alone_has_columns_and_no_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "id,text\n")

    assert survey_table(path) == Survey(("id", "text"), 0)


def test_read_types_widens_over_lines_and_refuses_a_mixture(tmp_path: Path) -> None:
    lines = ['{"id": 1, "text": "a", "n": null}'] * 1000 + ['{"id": 2, "text": "b", "n": 0.5}']
    path = write(tmp_path / "t.jsonl", "\n".join(lines))
    assert read_types(path, ("id", "text", "n")).types == [pa.int64(), pa.string(), pa.float64()]

    path = write(tmp_path / "u.jsonl", '{"id": 1, "text": "a"}\n{"id": "b", "text": "b"}\n')
    with pytest.raises(DataError, match=r"u.jsonl:1: expected one type a column"):
        read_types(path, ("id", "text"))


def test_read_lines_numbers_posts_and_keeps_blank_ones() -> None:
    rows = list(read_lines([b"slept\r\n", b"\n", "боль".encode()], "stdin", lang="ru"))

    assert [(row.post.post_id, row.post.text) for row in rows] == [
        ("1", "slept"),
        ("2", ""),
        ("3", "боль"),
    ]
    assert rows[0].cells == {"post_id": "1", "text": "slept"}
    with pytest.raises(DataError, match="stdin:1: expected UTF-8"):
        list(read_lines([b"\xff"], "stdin"))


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".jsonl"])
def test_read_table_needs_no_more_memory_for_more_rows(tmp_path: Path, suffix: str) -> None:
    separator = "\t" if suffix == ".tsv" else ","
    header = "" if suffix == ".jsonl" else f"id{separator}text\n"
    line = json.dumps({"id": "1", "text": "x" * 1000}) if not header else ""
    line = line or f"1{separator}{'x' * 1000}"
    path = write(tmp_path / f"t{suffix}", header + f"{line}\n" * 10_000)

    tracemalloc.start()
    num_rows = sum(1 for _ in read_table(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert num_rows == 10_000
    assert peak < 1_000_000


def test_read_table_reads_a_csv_cell_of_any_length_and_leaves_others_their_limit(
    tmp_path: Path,
) -> None:
    text = "a" * 140_000
    path = write(tmp_path / "t.csv", f"id,text\r\n1,{text}\r\n")
    limit = csv.field_size_limit()

    rows = read_table(path)

    assert next(rows).post.text == text
    assert csv.field_size_limit() == limit
