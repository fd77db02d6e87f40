"""Posts by the million: rows in, a report beside each, rows out with the columns they came with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from smm4h_core.errors import DataError
from smm4h_core.pipeline import Pipeline
from smm4h_core.reports import ANSWER_COLUMNS, report_to_cells
from smm4h_core.tables.read import (
    LINE_COLUMNS,
    read_lines,
    read_table,
    read_types,
    survey_table,
)
from smm4h_core.tables.rows import Row, in_chunks
from smm4h_core.tables.write import write_table
from smm4h_core.types import Lang, Report

_CANDIDATE_TYPE = pa.struct({"concept_id": pa.string(), "term": pa.string(), "score": pa.float64()})
_LINK_TYPE = pa.struct(
    {
        **{"concept_id": pa.string(), "name": pa.string(), "source": pa.string()},
        **{"score": pa.float64(), "candidates": pa.list_(_CANDIDATE_TYPE)},
    }
)
_MENTION_TYPE = pa.struct(
    {
        **{"start": pa.int64(), "end": pa.int64(), "text": pa.string(), "type": pa.string()},
        "fragments": pa.list_(pa.list_(pa.int64())),
        **{"prob": pa.float64(), "votes": pa.list_(pa.int64())},
        **{"context": pa.list_(pa.string()), "link": _LINK_TYPE},
    }
)
_ANSWER_TYPES = (
    *(pa.float64(), pa.string(), pa.int64(), pa.string()),
    *(pa.list_(_MENTION_TYPE), pa.string()),
)


@dataclass(frozen=True, slots=True)
class Source:
    """Rows to answer, to be read once."""

    name: str
    """For messages."""
    columns: tuple[str, ...]
    """Every column of the rows."""
    num_rows: int | None
    """How many there are; None of a stream."""
    rows: Iterator[Row]
    """The rows."""
    types: Callable[[], pa.Schema]
    """Finds the columns' Arrow types, which may take a reading of its own."""


def open_table(
    path: Path, *, lang: Lang | None = None, accept: Callable[[Row], None] | None = None
) -> Source:
    """Open a table after reading it once: nothing is answered where one of its rows is bad.

    Args:
        path: The table.
        lang: Language of the rows that state none.
        accept: Raises for a row that the answers' format cannot hold.

    Raises:
        DataError: as `smm4h_core.tables.read.read_table`.
    """
    survey = survey_table(path, accept=accept)
    return Source(
        name=str(path),
        columns=survey.columns,
        num_rows=survey.num_rows,
        rows=read_table(path, lang=lang),
        types=partial(read_types, path, survey.columns),
    )


def refuse_doubled_ids() -> Callable[[Row], None]:
    """What a submission accepts: each post once, with an id. Its memory grows with the ids."""
    seen: set[str] = set()

    def accept(row: Row) -> None:
        post_id = row.post.post_id
        if post_id in seen or not post_id.strip():
            raise DataError(
                f"{row.place}: expected each tweet_id once and none blank in a submission, "
                f"got {post_id!r}"
            )
        seen.add(post_id)

    return accept


def open_lines(lines: Iterable[bytes], name: str, *, lang: Lang | None = None) -> Source:
    """Open a stream of which each line is one post's text."""
    return Source(
        name=name,
        columns=LINE_COLUMNS,
        num_rows=None,
        rows=read_lines(lines, name, lang=lang),
        types=lambda: pa.schema([(column, pa.string()) for column in LINE_COLUMNS]),
    )


def answer_rows(
    pipeline: Pipeline, source: Source, *, extract_all: bool = False
) -> Iterator[tuple[Row, Report]]:
    """Answer rows in their order, chunk by chunk, in constant memory; see `Pipeline.process`."""
    for chunk in in_chunks(source.rows):
        reports = pipeline.process([row.post for row in chunk], extract_all=extract_all)
        yield from zip(chunk, reports, strict=True)


def write_answers(path: Path, source: Source, answered: Iterable[tuple[Row, Report]]) -> None:
    """Write a table of the source's columns and `smm4h_core.reports.ANSWER_COLUMNS`.

    Raises:
        DataError: the source has a column of such a name, or ``path`` cannot hold the rows; see
            `smm4h_core.tables.write.write_table`.
    """
    if taken := [column for column in source.columns if column in ANSWER_COLUMNS]:
        raise DataError(
            f"{source.name}: expected no column named {', '.join(ANSWER_COLUMNS)}, since answers "
            f"are written under these names; got {', '.join(taken)}"
        )
    types = None
    if path.suffix == ".parquet":
        types = pa.schema([*source.types(), *map(pa.field, ANSWER_COLUMNS, _ANSWER_TYPES)])
    with write_table(path, (*source.columns, *ANSWER_COLUMNS), types=types) as append:
        for chunk in in_chunks(answered):
            append(
                [
                    replace(row, cells={**row.cells, **report_to_cells(report)})
                    for row, report in chunk
                ]
            )
