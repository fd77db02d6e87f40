import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smm4h_core.tables.parts import Parts
from smm4h_core.tables.read import read_table
from smm4h_core.tables.rows import SUFFIXES, Row
from smm4h_core.tables.write import write_table
from smm4h_core.types import Post

COLUMNS = ("id", "text", "a\nb")
TYPES = pa.schema([("id", pa.int64()), ("text", pa.string()), ("a\nb", pa.string())])


def fill(parts: Parts, number: int, ids: list[int], suffix: str) -> None:
    columns, types = columns_of(suffix)
    with (
        parts.open(number, {"rows": len(ids)}) as path,
        write_table(path, columns, types=types) as append,
    ):
        append([Row(Post(str(n), "x"), dict.fromkeys(columns, "x") | {"id": n}, "p") for n in ids])


def columns_of(suffix: str) -> tuple[tuple[str, ...], pa.Schema | None]:
    columns = COLUMNS[:2] if suffix == ".tsv" else COLUMNS  # which can hold no line end
    return columns, TYPES if suffix == ".parquet" else None


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_parts_join_to_the_table_that_one_writing_gives(tmp_path: Path, suffix: str) -> None:
    out, whole = tmp_path / f"out{suffix}", tmp_path / f"whole{suffix}"
    parts = Parts(out, {"job": 1})
    for number, ids in enumerate(([1, 2], [3], [4, 5])):
        fill(parts, number, ids, suffix)
    assert (parts.num_done(), parts.counts()["rows"]) == (3, 5)
    columns, types = columns_of(suffix)
    parts.join(columns, types)
    one = Parts(whole, {"job": 2})
    fill(one, 0, [1, 2, 3, 4, 5], suffix)
    one.join(columns, types)
    if suffix == ".parquet":
        assert pq.read_table(out).equals(pq.read_table(whole))
    else:
        assert out.read_bytes() == whole.read_bytes()
    assert [row.post.post_id for row in read_table(out)] == ["1", "2", "3", "4", "5"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((out.name, whole.name))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_part_is_a_table_without_rows(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    Parts(out, {}).join(*columns_of(suffix))
    assert list(read_table(out)) == []


def test_parts_of_the_same_job_are_found_again_and_an_open_one_is_not(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    fill(Parts(out, {"job": 1}), 0, [1], ".csv")
    with pytest.raises(KeyboardInterrupt), Parts(out, {"job": 1}).open(1, {}) as path:
        path.write_text("half of")
        raise KeyboardInterrupt
    assert Parts(out, {"job": 1}).num_done() == 1
    assert not out.exists()
    assert Parts(out, {"job": 2}).num_done() == 0
    fill(Parts(out, {"job": 2}), 0, [1], ".csv")
    (tmp_path / ".out.csv.parts" / "job.sha256").write_bytes(b"12")  # cut short by a kill
    assert Parts(out, {"job": 2}).num_done() == 0


def test_header_of_a_part_is_left_out_whatever_it_holds(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    parts = Parts(out, {})
    for number in range(2):
        fill(parts, number, [number], ".csv")
    parts.join(*columns_of(".csv"))
    with out.open(newline="") as stream:
        assert list(csv.reader(stream)) == [list(COLUMNS), ["0", "x", "x"], ["1", "x", "x"]]
    assert json.dumps(COLUMNS[2]) == '"a\\nb"'
