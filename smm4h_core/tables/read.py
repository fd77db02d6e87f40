"""Read tables of posts row by row: ``.tsv``, ``.csv``, ``.jsonl``, ``.parquet``, or bare lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from smm4h_core.corpora.records import next_record
from smm4h_core.corpora.tsv import describe_undecodable, read_rows
from smm4h_core.errors import DataError
from smm4h_core.tables.rows import CHUNK_ROWS, SUFFIXES, Row, find_columns, in_chunks
from smm4h_core.types import Lang, Post

LINE_COLUMNS = ("post_id", "text")
"""Columns of posts that came as bare lines."""

Numbered = Iterator[tuple[int, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Survey:
    """What a table holds, known after one reading that found nothing wrong."""

    columns: tuple[str, ...]
    """Every column, in order of appearance."""
    num_rows: int
    """Its rows."""


def survey_table(path: Path, *, accept: Callable[[Row], None] | None = None) -> Survey:
    """Read a table once to its end, so that a bad row shows before hours of work, not after.

    Args:
        path: As for `read_table`.
        accept: Raises for a row that whoever asks cannot use.

    Raises:
        DataError: as `read_table`.
    """
    columns: dict[str, None] = {}
    if path.suffix != ".jsonl":
        columns.update(dict.fromkeys(_read_header(path)))
    num_rows = 0
    for row in read_table(path):
        columns.update(dict.fromkeys(row.cells))
        num_rows += 1
        if accept is not None:
            accept(row)
    return Survey(tuple(columns), num_rows)


def read_table(path: Path, *, lang: Lang | None = None) -> Iterator[Row]:
    """Read rows one by one, in constant memory (of Parquet: one row group).

    Lines without anything in them are passed over. An id is kept as text and never goes through a
    float. JSON objects may each have other keys.

    Args:
        path: A table with a post's id (``post_id``, ``tweet_id`` or ``id``), its text (``text`` or
            ``tweet``) and perhaps its language (``lang``: ``en``, ``ru`` or nothing). TSV is read
            without any quoting, as SMM4H writes it; CSV as RFC 4180 has it.
        lang: Language of the rows that state none.

    Raises:
        DataError: another format, a missing column, or a row that does not fit, by file and line.
    """
    if path.suffix == ".jsonl":
        for line, cells in _read_jsonl(path):
            place = f"{path}:{line}"
            yield find_columns(cells, place).read(cells, place, lang)
        return
    columns = find_columns(_read_header(path), f"{path}:1")
    rows = {".tsv": _read_tsv, ".csv": _read_csv, ".parquet": _read_parquet}[path.suffix](path)
    for line, cells in rows:
        yield columns.read(cells, f"{path}:{line}", lang)


def read_lines(lines: Iterable[bytes], name: str, *, lang: Lang | None = None) -> Iterator[Row]:
    """Take each line as one post's text, and its number, from 1, as the post's id.

    Raises:
        DataError: a line that is not UTF-8.
    """
    for number, raw in enumerate(lines, start=1):
        place = f"{name}:{number}"
        text = _decode(raw, place).removesuffix("\n").removesuffix("\r")
        post_id = str(number)
        yield Row(
            Post(post_id, text, lang),
            dict(zip(LINE_COLUMNS, (post_id, text), strict=True)),
            place,
        )


def read_types(path: Path, columns: Iterable[str]) -> pa.Schema:
    """The Arrow types of a table's columns, which only Parquet needs to know.

    Raises:
        DataError: a column of a ``.jsonl`` that mixes types which no one column can hold.
    """
    if path.suffix == ".parquet":
        with _parquet(path) as file:
            return file.schema_arrow.remove_metadata()
    if path.suffix != ".jsonl":
        return pa.schema([(name, pa.string()) for name in columns])
    schema = pa.schema([(name, pa.null()) for name in columns])
    for chunk in in_chunks(_read_jsonl(path)):
        try:
            found = [(name, pa.array([cells.get(name) for _, cells in chunk])) for name in columns]
            types = pa.schema([(name, array.type) for name, array in found])
            schema = pa.unify_schemas([schema, types], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError) as error:
            raise DataError(
                f"{path}:{chunk[0][0]}: expected one type a column from here on, as Parquet has "
                f"it (write .jsonl instead): {error}"
            ) from None
    return schema


def _read_header(path: Path) -> tuple[str, ...]:
    if path.suffix not in SUFFIXES:
        raise DataError(f"{path}: expected a name ending in {', '.join(SUFFIXES)}")
    if path.suffix == ".parquet":
        with _parquet(path) as file:
            return tuple(file.schema_arrow.names)
    if path.suffix == ".csv":
        return tuple(next(_read_records(path), (1, []))[1])
    for _, line in _decoded(path):
        return tuple(line.removesuffix("\n").removesuffix("\r").split("\t"))
    return ()


def _read_tsv(path: Path) -> Numbered:
    header = _read_header(path)
    for row in read_rows(path, [name.strip().lower() for name in header]):
        # read_rows lower-cases names; a column leaves under the name it came with.
        yield row.line, dict(zip(header, row.cells.values(), strict=True))


def _read_csv(path: Path) -> Numbered:
    records = _read_records(path)
    _, header = next(records, (1, []))
    for line, record in records:
        if len(record) != len(header):
            raise DataError(f"{path}:{line}: expected {len(header)} cells, got {len(record)}")
        yield line, dict(zip(header, record, strict=True))


def _read_records(path: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader((text for _, text in _decoded(path)), strict=True)
    start = 1
    try:
        while (record := next_record(reader)) is not None:
            if record:
                yield start, record
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}:{start}: expected CSV as RFC 4180 has it, got: {error}") from None


def _read_jsonl(path: Path) -> Numbered:
    for number, line in _decoded(path):
        if not line.strip():
            continue
        try:
            cells = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}:{number}: expected a JSON object, got: {error}") from None
        if not isinstance(cells, dict):
            raise DataError(f"{path}:{number}: expected a JSON object, got {type(cells).__name__}")
        yield number, cells


def _read_parquet(path: Path) -> Numbered:
    with _parquet(path) as file:
        number = 0
        for batch in file.iter_batches(batch_size=CHUNK_ROWS):
            for cells in batch.to_pylist():
                number += 1
                yield number, cells


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: expected a Parquet file, got: {error}") from None


def _decoded(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their ends; only a line feed ends one, as in `smm4h_core.corpora.tsv`."""
    try:
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, start=1):
                line = _decode(raw, f"{path}:{number}")
                yield number, line.removeprefix("\ufeff") if number == 1 else line
    except OSError as error:
        raise DataError(f"{path}: expected a file, got: {error.strerror}") from None


def _decode(raw: bytes, place: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: {describe_undecodable(raw, error)}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is no JSON")
