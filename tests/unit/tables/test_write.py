import csv
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.errors import DataError
from smm4h_core.tables import write
from smm4h_core.tables.read import read_table
from smm4h_core.tables.rows import Row
from smm4h_core.tables.write import write_table
from smm4h_core.types import Post

SUFFIXES = (".tsv", ".csv", ".jsonl", ".parquet")
COLUMNS = ("post_id", "text", "n")
TYPES = pa.schema([("post_id", pa.string()), ("text", pa.string()), ("n", pa.int64())])


def rows_of(*cells: dict[str, Any]) -> list[Row]:
    return [Row(Post("1", ""), each, f"in:{line}") for line, each in enumerate(cells, start=2)]


def write_all(
    path: Path, rows: Sequence[Row], columns: Sequence[str], types: pa.Schema | None = None
) -> None:
    with write_table(path, columns, types=types) as append:
        append(rows)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_write_table_appends_chunks_that_read_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    cells = [{"post_id": str(n), "text": f"slept {n} ч 😂", "n": n} for n in range(5)]

    with write_table(path, COLUMNS, types=TYPES) as append:
        append(rows_of(*cells[:2]))
        append(rows_of(*cells[2:]))

    read = [dict(row.cells) for row in read_table(path)]
    assert [{**each, "n": int(each["n"])} for each in read] == cells
    assert list(read[0]) == list(COLUMNS)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_write_table_of_no_rows_still_has_its_columns(tmp_path: Path, suffix: str) -> None:
    write_all(tmp_path / f"t{suffix}", [], COLUMNS, TYPES)

    assert list(read_table(tmp_path / f"t{suffix}")) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_write_table_leaves_the_old_file_when_it_fails(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_text("old")

    def fail_between_chunks() -> None:
        with write_table(path, COLUMNS, types=TYPES) as append:
            append(rows_of({"post_id": "1", "text": "a", "n": 1}))
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        fail_between_chunks()

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_write_table_keeps_any_text(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("any") / f"t{suffix}"

    write_all(path, rows_of(*({"post_id": "1", "text": t, "n": 1} for t in texts)), COLUMNS, TYPES)

    assert [row.post.text for row in read_table(path)] == texts


def test_csv_is_as_rfc_4180_has_it(tmp_path: Path) -> None:
    write_all(tmp_path / "t.csv", rows_of({"id": "1", "text": 'a "b",\nc'}), ("id", "text"))

    assert (tmp_path / "t.csv").read_bytes() == b'id,text\r\n1,"a ""b"",\nc"\r\n'


@pytest.mark.parametrize("mark", ["\t", "\n", "\r"])
def test_tsv_refuses_what_no_cell_can_hold_by_the_line_it_came_from(
    tmp_path: Path, mark: str
) -> None:
    rows = rows_of({"id": "1", "text": "a"}, {"id": "2", "text": f"a{mark}b"})

    with pytest.raises(DataError, match="in:3: a tab or a line end"):
        write_all(tmp_path / "t.tsv", rows, ("id", "text"))

    assert list(tmp_path.iterdir()) == []


def test_jsonl_keeps_half_a_surrogate_pair_and_the_others_refuse_it(tmp_path: Path) -> None:
    rows = rows_of({"post_id": "1", "text": "\ud83d", "n": 1})

    write_all(tmp_path / "t.jsonl", rows, COLUMNS)

    (row,) = read_table(tmp_path / "t.jsonl")
    assert row.post.text == "\ud83d"
    for suffix in (".tsv", ".csv", ".parquet"):
        with pytest.raises(DataError, match="in:2"):
            write_all(tmp_path / f"t{suffix}", rows, COLUMNS, TYPES)


def test_text_formats_spell_values_that_are_no_text(tmp_path: Path) -> None:
    cells = {
        "none": None,
        "nan": float("nan"),
        "flag": True,
        "list": [1, "ч"],
        "day": date(2021, 6, 10),
        "time": datetime(2021, 6, 10, 8, tzinfo=UTC),
        "exact": Decimal("1.50"),
        "half": 0.1,
    }

    write_all(tmp_path / "t.csv", rows_of(cells), list(cells))
    write_all(tmp_path / "t.jsonl", rows_of(cells), list(cells))

    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as stream:
        _, written = csv.reader(stream)
    times = ["2021-06-10", "2021-06-10T08:00:00+00:00"]
    assert written == ["", "", "true", '[1, "ч"]', *times, "1.50", "0.1"]
    read = json.loads((tmp_path / "t.jsonl").read_text())
    assert list(read.values()) == [None, None, True, [1, "ч"], *times, "1.50", 0.1]


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".jsonl"])
@pytest.mark.parametrize("value", [b"bytes", [float("nan")]], ids=repr)
def test_text_formats_refuse_what_json_cannot_hold(
    tmp_path: Path, suffix: str, value: object
) -> None:
    with pytest.raises(DataError, match="in:2: expected values that JSON can hold"):
        write_all(tmp_path / f"t{suffix}", rows_of({"id": value}), ("id",))


def test_parquet_names_the_rows_of_a_value_that_does_not_fit(tmp_path: Path) -> None:
    rows = rows_of({"post_id": "1", "text": "a", "n": 1}, {"post_id": "2", "text": "a", "n": "x"})

    with pytest.raises(DataError, match="in:2 to in:3: a value does not fit"):
        write_all(tmp_path / "t.parquet", rows, COLUMNS, TYPES)


def test_parquet_gathers_chunks_into_large_row_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "ROW_GROUP_ROWS", 4)
    with write_table(tmp_path / "t.parquet", COLUMNS, types=TYPES) as append:
        for n in range(5):
            append(rows_of(*[{"post_id": "1", "text": "a", "n": n}] * 2))

    file = pq.read_metadata(tmp_path / "t.parquet")

    assert [file.row_group(group).num_rows for group in range(file.num_row_groups)] == [4, 4, 2]


def test_write_table_refuses_other_endings_and_missing_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a name ending in"):
        write_all(tmp_path / "t.txt", [], COLUMNS)
    with pytest.raises(DataError, match="expected an existing folder"):
        write_all(tmp_path / "no" / "t.csv", [], COLUMNS)
