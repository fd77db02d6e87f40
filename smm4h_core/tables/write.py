"""Write tables chunk by chunk; the file appears whole, or not at all."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from smm4h_core.corpora.tsv import BREAK, SURROGATE
from smm4h_core.errors import DataError
from smm4h_core.tables.rows import SUFFIXES, Row

Append: TypeAlias = Callable[[Sequence[Row]], None]
"""Writes some more rows."""

ROW_GROUP_ROWS = 20_000
"""Rows of Parquet gathered before they are written: readers are slow on many small groups."""


@contextmanager
def write_table(
    path: Path, columns: Sequence[str], *, types: pa.Schema | None = None
) -> Iterator[Append]:
    """Open a table for appending; it is put in place when the block ends without an error.

    Args:
        path: A ``.tsv``, ``.csv``, ``.jsonl`` or ``.parquet``; replaced if it is there.
        columns: Columns in order. A row without one of them leaves the cell blank, or, in JSON
            lines, its key out.
        types: The columns' types; Parquet alone needs them.

    Raises:
        DataError: another ending, no such folder, or a value that the format cannot hold, by the
            file and line that it came from.
    """
    if path.suffix not in SUFFIXES:
        raise DataError(f"{path}: expected a name ending in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise DataError(f"{path}: expected an existing folder, got {path.parent}")
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}.partial")
    try:
        with unfinished.open("wb") as stream:
            if path.suffix == ".parquet":
                assert types is not None, "Parquet needs the columns' types"
                with _parquet_rows(stream, types) as append:
                    yield append
            else:
                yield _text_rows(stream, path.suffix, columns)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _text_rows(stream: IO[bytes], suffix: str, columns: Sequence[str]) -> Append:
    stream.write(format_header(columns, suffix))
    if suffix != ".jsonl":
        join = _tsv_line if suffix == ".tsv" else _csv_line

        def line(row: Row) -> str:
            return join([_cell(row.cells.get(name), row.place) for name in columns], row.place)
    else:
        line = _json_line

    def append(rows: Sequence[Row]) -> None:
        for row in rows:
            try:
                stream.write(line(row).encode())
            except UnicodeEncodeError:
                raise DataError(
                    f"{row.place}: half of a surrogate pair cannot stand in a {suffix}; "
                    f"write .jsonl"
                ) from None

    return append


def format_header(columns: Sequence[str], suffix: str) -> bytes:
    """What stands above the rows of a ``.tsv`` or ``.csv``; nothing of other kinds."""
    if suffix not in (".tsv", ".csv"):
        return b""
    return (_tsv_line if suffix == ".tsv" else _csv_line)(columns, "header").encode()


def refuse_for_tsv(row: Row) -> None:
    """Say before the work what writing the row to a ``.tsv`` would say after it.

    Raises:
        DataError: a tab or a line end in a cell, or a value that no cell can hold.
    """
    _tsv_line([_cell(value, row.place) for value in row.cells.values()], row.place)


def _tsv_line(cells: Sequence[str], place: str) -> str:
    for cell in cells:
        if BREAK.search(cell):
            raise DataError(
                f"{place}: a tab or a line end in a cell cannot stand in a .tsv; "
                f"write .csv, .jsonl or .parquet"
            )
    return "\t".join(cells) + "\n"


def _csv_line(cells: Sequence[str], _: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()


def _json_line(row: Row) -> str:
    # NaN is how Parquet files made from data frames say that there is nothing.
    cells = {name: None if _is_nan(value) else value for name, value in row.cells.items()}
    line = _to_json(cells, row.place)
    if SURROGATE.search(line):
        line = _to_json(cells, row.place, ascii_only=True)
    return line + "\n"


def _cell(value: Any, place: str) -> str:
    if value is None or _is_nan(value):
        return ""
    if isinstance(value, str):
        return value
    text = _to_json(value, place)
    return str(json.loads(text)) if text.startswith('"') else text


def _to_json(value: Any, place: str, *, ascii_only: bool = False) -> str:
    try:
        return json.dumps(value, ensure_ascii=ascii_only, allow_nan=False, default=_plain)
    except (ValueError, TypeError) as error:
        raise DataError(f"{place}: expected values that JSON can hold, got: {error}") from None


def _plain(value: Any) -> str:
    """Dates in ISO form, decimals and the like as they print."""
    if isinstance(value, bytes):
        raise TypeError("bytes")
    return str(value.isoformat() if hasattr(value, "isoformat") else value)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


@contextmanager
def _parquet_rows(stream: IO[bytes], types: pa.Schema) -> Iterator[Append]:
    waiting: list[pa.Table] = []
    with pq.ParquetWriter(stream, types) as writer:

        def flush() -> None:
            if waiting:
                writer.write_table(pa.concat_tables(waiting))
                waiting.clear()

        def append(rows: Sequence[Row]) -> None:
            try:
                waiting.append(pa.Table.from_pylist([dict(row.cells) for row in rows], types))
            except (pa.ArrowException, OverflowError, UnicodeEncodeError) as error:
                places = f"{rows[0].place} to {rows[-1].place}"
                raise DataError(f"{places}: a value does not fit its column: {error}") from None
            if sum(table.num_rows for table in waiting) >= ROW_GROUP_ROWS:
                flush()

        yield append
        flush()
