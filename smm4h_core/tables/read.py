"""Read tables of posts row by row: ``.tsv``, ``.csv``, ``.jsonl``, ``.parquet``, or bare lines."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from smm4h_core.corpora.problems import Problem, refuse
from smm4h_core.corpora.records import next_record
from smm4h_core.corpora.tsv import describe_undecodable, read_rows
from smm4h_core.errors import DataError
from smm4h_core.tables.rows import CHUNK_ROWS, SUFFIXES, Row, find_columns, in_chunks
from smm4h_core.types import Lang, Post

_ESCAPED = re.compile("[\udc80-\udcff]")
"""What ``surrogateescape`` makes of bytes that are not UTF-8."""
LINE_COLUMNS = ("post_id", "text")
"""Columns of posts that came as bare lines."""

OnBad = Callable[[DataError, str], None]
"""Takes what is wrong with a row, and the row as it was written; where it returns, reading goes on
with the next row. Of Parquet the row is JSON: null for NaN, bytes as Python shows them."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that has no cells."""

    error: DataError
    """Why."""
    written: str
    """What stands there; bytes that are not UTF-8 as ``surrogateescape`` has them."""


Numbered = Iterator[tuple[int, dict[str, Any] | Unreadable, str | None]]
"""Rows by their line, and as they are written where cells do not tell."""


def refuse_bad(error: DataError, _written: str) -> None:
    """Stop at the first row that cannot be read.

    Raises:
        DataError: the one given.
    """
    raise error


def skip_bad(_error: DataError, _written: str) -> None:
    """Pass over a row that cannot be read, as one does who has told of it before."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a table holds, known after one reading that found nothing wrong."""

    columns: tuple[str, ...]
    """Every column, in order of appearance."""
    num_rows: int
    """Its rows."""


def survey_table(
    path: Path, *, accept: Callable[[Row], None] | None = None, on_bad: OnBad = refuse_bad
) -> Survey:
    """Read a table once to its end, so that a bad row shows before hours of work, not after.

    Args:
        path: As for `read_table`.
        accept: As for `read_table`.
        on_bad: As for `read_table`.

    Raises:
        DataError: as `read_table`.
    """
    columns: dict[str, None] = {}
    if path.suffix != ".jsonl":
        columns.update(dict.fromkeys(_read_header(path)))
    num_rows = 0
    for row in read_table(path, accept=accept, on_bad=on_bad):
        columns.update(dict.fromkeys(row.cells))
        num_rows += 1
    return Survey(tuple(columns), num_rows)


def read_table(
    path: Path,
    *,
    lang: Lang | None = None,
    accept: Callable[[Row], None] | None = None,
    on_bad: OnBad = refuse_bad,
) -> Iterator[Row]:
    """Read rows one by one, in constant memory (of Parquet: one row group).

    Lines without anything in them are passed over. An id is kept as text and never goes through a
    float. JSON objects may each have other keys.

    Args:
        path: A table with a post's id (``post_id``, ``tweet_id`` or ``id``), its text (``text`` or
            ``tweet``) and perhaps its language (``lang``: ``en``, ``ru`` or nothing). TSV is read
            without any quoting, as SMM4H writes it; CSV as RFC 4180 has it.
        lang: Language of the rows that state none.
        accept: Raises a DataError for a row that whoever asks cannot use.
        on_bad: Takes each row that cannot be read or is not accepted. What makes the rest of a
            file unreadable (its header, a quotation of CSV that never ends) it is not asked about.

    Raises:
        DataError: another format, a missing column, or, from ``on_bad``, a row that does not fit,
            by file and line.
    """
    if path.suffix == ".jsonl":
        columns, rows = None, _read_jsonl(path)
    else:
        columns = find_columns(_read_header(path), f"{path}:1")
        rows = {".tsv": _read_tsv, ".csv": _read_csv, ".parquet": _read_parquet}[path.suffix](path)
    for line, cells, written in rows:
        place = f"{path}:{line}"
        try:
            if isinstance(cells, Unreadable):
                raise cells.error
            row = (columns or find_columns(cells, place)).read(cells, place, lang)
            if accept is not None:
                accept(row)
        except DataError as error:
            on_bad(error, _as_written(cells, path.suffix) if written is None else written)
        else:
            yield row


def read_lines(
    lines: Iterable[bytes], name: str, *, lang: Lang | None = None, on_bad: OnBad = refuse_bad
) -> Iterator[Row]:
    """Take each line as one post's text, and its number, from 1, as the post's id.

    Raises:
        DataError: from ``on_bad``, a line that is not UTF-8.
    """
    for number, raw in enumerate(lines, start=1):
        place = f"{name}:{number}"
        try:
            text = _without_end(_decode(raw, place))
        except DataError as error:
            on_bad(error, _without_end(raw.decode("utf-8", "surrogateescape")))
            continue
        post_id = str(number)
        yield Row(
            Post(post_id, text, lang),
            dict(zip(LINE_COLUMNS, (post_id, text), strict=True)),
            place,
        )


def read_types(
    path: Path, columns: Iterable[str], *, accept: Callable[[Row], None] | None = None
) -> pa.Schema:
    """The Arrow types of a table's columns, which only Parquet needs to know.

    Args:
        path: A table whose bad rows have been told of: they are passed over.
        columns: Its columns.
        accept: As for `read_table`.

    Raises:
        DataError: a column of a ``.jsonl`` that mixes types which no one column can hold.
    """
    if path.suffix == ".parquet":
        with _parquet(path) as file:
            return file.schema_arrow.remove_metadata()
    if path.suffix != ".jsonl":
        return pa.schema([(name, pa.string()) for name in columns])
    schema = pa.schema([(name, pa.null()) for name in columns])
    for chunk in in_chunks(read_table(path, accept=accept, on_bad=skip_bad)):
        try:
            found = [(name, pa.array([row.cells.get(name) for row in chunk])) for name in columns]
            types = pa.schema([(name, array.type) for name, array in found])
            schema = pa.unify_schemas([schema, types], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError) as error:
            raise DataError(
                f"{chunk[0].place}: expected one type a column from here on, as Parquet has "
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
    for _, line in _lines(path, "strict"):
        return tuple(_without_end(line).split("\t"))
    return ()


def _read_tsv(path: Path) -> Numbered:
    header = _read_header(path)
    met: list[Problem] = []
    written = _lines(path, "surrogateescape")

    def unreadable(problem: Problem) -> Unreadable:
        line = next(line for number, line in written if number == problem.line)
        return Unreadable(DataError(str(problem)), _without_end(line))

    def report(problem: Problem) -> None:
        if problem.line <= 1:
            refuse(problem)
        is_new = not met or met[-1].line != problem.line  # a line may be wrong in two ways
        if problem.severity == "error" and is_new:
            met.append(problem)

    def tell(before: int | None) -> Numbered:
        while met and (before is None or met[0].line < before):
            problem = met.pop(0)
            yield problem.line, unreadable(problem), None

    for row in read_rows(path, [name.strip().lower() for name in header], report=report):
        yield from tell(row.line)
        if met:  # of this very row: its bytes were replaced
            yield row.line, unreadable(met.pop(0)), None
            continue
        # read_rows lower-cases names; a column leaves under the name it came with.
        yield row.line, dict(zip(header, row.cells.values(), strict=True)), None
    yield from tell(None)


def _read_csv(path: Path) -> Numbered:
    records = _read_records(path)
    _, header = next(records, (1, []))
    for line, record in records:
        escaped = _ESCAPED.search("\0".join(record))
        if escaped:
            byte = ord(escaped[0]) - 0xDC00
            error = DataError(f"{path}:{line}: expected UTF-8, got byte 0x{byte:02x}")
            yield line, Unreadable(error, _format_csv(record)), None
        elif len(record) != len(header):
            error = DataError(f"{path}:{line}: expected {len(header)} cells, got {len(record)}")
            yield line, Unreadable(error, _format_csv(record)), None
        else:
            yield line, dict(zip(header, record, strict=True)), None


def _read_records(path: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader((text for _, text in _lines(path, "surrogateescape")), strict=True)
    start = 1
    try:
        while (record := next_record(reader)) is not None:
            if record:
                yield start, record
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}:{start}: expected CSV as RFC 4180 has it, got: {error}") from None


def _read_jsonl(path: Path) -> Numbered:
    for number, line in _lines(path, "surrogateescape"):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            _decode(line.encode("utf-8", "surrogateescape"), place)
            cells = json.loads(line, parse_constant=_refuse_constant)
            if not isinstance(cells, dict):
                got = type(cells).__name__
                raise DataError(f"{place}: expected a JSON object, got {got}")
        except DataError as error:
            yield number, Unreadable(error, _without_end(line)), None
        except (ValueError, RecursionError) as error:
            refusal = DataError(f"{place}: expected a JSON object, got: {error}")
            yield number, Unreadable(refusal, _without_end(line)), None
        else:
            yield number, cells, _without_end(line)


def _read_parquet(path: Path) -> Numbered:
    with _parquet(path) as file:
        number = 0
        for batch in file.iter_batches(batch_size=CHUNK_ROWS):
            for cells in batch.to_pylist():
                number += 1
                yield number, cells, None


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: expected a Parquet file, got: {error}") from None


def _lines(path: Path, errors: Literal["strict", "surrogateescape"]) -> Iterator[tuple[int, str]]:
    """Lines with their ends; only a line feed ends one, as in `smm4h_core.corpora.tsv`."""
    try:
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, start=1):
                place = f"{path}:{number}"
                line = _decode(raw, place) if errors == "strict" else raw.decode("utf-8", errors)
                yield number, line.removeprefix("\ufeff") if number == 1 else line
    except OSError as error:
        raise DataError(f"{path}: expected a file, got: {error.strerror}") from None


def _as_written(cells: Mapping[str, Any] | Unreadable, suffix: str) -> str:
    if isinstance(cells, Unreadable):
        return cells.written
    if suffix == ".tsv":
        return "\t".join(cells.values())
    if suffix == ".csv":
        return _format_csv(cells.values())
    return json.dumps(_finite(cells), ensure_ascii=False, default=str)


def _finite(value: Any) -> Any:
    """The same with nothing in the place of numbers that JSON lacks."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list) else value


def _format_csv(record: Iterable[str]) -> str:
    stream = io.StringIO()
    # A line break within a cell is quoted only where it is like the writer's own.
    csv.writer(stream, lineterminator="\r\n").writerow(record)
    return stream.getvalue().removesuffix("\r\n")


def _without_end(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


def _decode(raw: bytes, place: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: {describe_undecodable(raw, error)}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is no JSON")
