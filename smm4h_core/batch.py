"""Posts by the million: rows in, a report beside each, rows out with the columns they came with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from smm4h_core.errors import DataError
from smm4h_core.pipeline import Pipeline
from smm4h_core.reports import (
    ANSWER_COLUMNS,
    PAIR_COLUMNS,
    RowKind,
    pairs_to_cells,
    report_to_cells,
)
from smm4h_core.tables.bad_rows import BAD_ROWS, BadRows, refuse_first
from smm4h_core.tables.parts import Parts
from smm4h_core.tables.read import (
    LINE_COLUMNS,
    read_lines,
    read_table,
    read_types,
    skip_bad,
    survey_table,
)
from smm4h_core.tables.rows import Row, in_chunks
from smm4h_core.tables.write import write_table
from smm4h_core.types import Lang, Report

PART_ROWS = 5000
"""Rows that a kill costs at most: a minute or so of a core."""
_SOURCE = {
    **{"term": pa.string(), "source": pa.string()},
    **{"rank": pa.int64(), "score": pa.float64()},
}
_CANDIDATE_TYPE = pa.struct(
    {"concept_id": pa.string(), **_SOURCE, "found_by": pa.list_(pa.struct(_SOURCE))}
)
_LINK_TYPE = pa.struct(
    {
        **{"concept_id": pa.string(), "name": pa.string(), "source": pa.string()},
        **{"score": pa.float64(), "candidates": pa.list_(_CANDIDATE_TYPE)},
    }
)
_TIE_TYPE = pa.struct(
    {"start": pa.int64(), "end": pa.int64(), "name": pa.string(), "score": pa.float64()}
)
_MENTION_TYPE = pa.struct(
    {
        **{"start": pa.int64(), "end": pa.int64(), "text": pa.string(), "type": pa.string()},
        "fragments": pa.list_(pa.list_(pa.int64())),
        **{"prob": pa.float64(), "votes": pa.list_(pa.int64())},
        **{"context": pa.list_(pa.string()), "drugs": pa.list_(_TIE_TYPE), "link": _LINK_TYPE},
    }
)
_TYPES: Mapping[RowKind, tuple[pa.DataType, ...]] = {
    "posts": (
        *(pa.float64(), pa.string(), pa.int64(), pa.string()),
        *(pa.list_(_MENTION_TYPE), pa.string()),
    ),
    "pairs": (
        *(pa.string(), pa.int64(), pa.int64(), pa.float64()),
        *(pa.string(), pa.int64(), pa.int64(), pa.float64(), pa.string()),
        *(pa.string(), pa.string(), pa.float64(), pa.string(), pa.string()),
    ),
}
_COLUMNS: Mapping[RowKind, tuple[str, ...]] = {"posts": ANSWER_COLUMNS, "pairs": PAIR_COLUMNS}


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
    bad: BadRows | None = None
    """Tells of the rows left out, which ``num_rows`` does not count; None where none may be."""

    @property
    def num_bad(self) -> int:
        """Rows left out; of a stream, so far."""
        return self.bad.count if self.bad else 0


def open_table(
    path: Path,
    *,
    lang: Lang | None = None,
    accept: Callable[[], Callable[[Row], None]] | None = None,
    errors: Path | None = None,
) -> Source:
    """Open a table after reading it once: nothing is answered before every row is known.

    Args:
        path: As for `smm4h_core.tables.read.read_table`.
        lang: Language of the rows that state none.
        accept: Makes what raises for a row that whoever asks cannot use; it meets every row in
            order, and is made anew for each reading.
        errors: A folder for ``rows.csv``, which says of each row that cannot be answered where it
            stands and why, and keeps it as it was; None refuses the table for the first such row.

    Raises:
        DataError: as `smm4h_core.tables.read.read_table`.
    """

    def made() -> Callable[[Row], None] | None:
        return accept() if accept else None

    if errors and (errors / BAD_ROWS).resolve() == path.resolve():
        raise DataError(f"{path}: expected another folder for errors, whose {BAD_ROWS} this is")
    bad = BadRows(errors / BAD_ROWS, table=str(path)) if errors else None
    survey = survey_table(path, accept=made(), on_bad=bad.tell if bad else refuse_first)
    return Source(
        name=str(path),
        columns=survey.columns,
        num_rows=survey.num_rows,
        rows=read_table(path, lang=lang, accept=made(), on_bad=skip_bad),
        types=lambda: read_types(path, survey.columns, accept=made()),
        bad=bad,
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


def open_lines(
    lines: Iterable[bytes], name: str, *, lang: Lang | None = None, errors: Path | None = None
) -> Source:
    """Open a stream of which each line is one post's text; ``errors`` as for `open_table`."""
    bad = BadRows(errors / BAD_ROWS, table=name) if errors else None
    return Source(
        name=name,
        columns=LINE_COLUMNS,
        num_rows=None,
        rows=read_lines(lines, name, lang=lang, on_bad=bad.tell if bad else refuse_first),
        bad=bad,
        types=lambda: pa.schema([(column, pa.string()) for column in LINE_COLUMNS]),
    )


def answer_rows(
    pipeline: Pipeline, source: Source, *, extract_all: bool = False
) -> Iterator[tuple[Row, Report]]:
    """Answer rows in their order, chunk by chunk, in constant memory; see `Pipeline.process`."""
    for chunk in in_chunks(source.rows):
        reports = pipeline.process([row.post for row in chunk], extract_all=extract_all)
        yield from zip(chunk, reports, strict=True)


def write_answers(
    path: Path,
    source: Source,
    answered: Iterable[tuple[Row, Report]],
    *,
    rows: RowKind = "posts",
) -> None:
    """Write a table of the source's columns and the answers'.

    Args:
        path: The table to write.
        source: Where the rows came from.
        answered: The rows and their reports.
        rows: A row a post, with `smm4h_core.reports.ANSWER_COLUMNS`; or a row for each drug and
            effect said of it, with `smm4h_core.reports.PAIR_COLUMNS` and the post's columns
            repeated: a post that mentions no effect then has no row.

    Raises:
        DataError: the source has a column of such a name, or ``path`` cannot hold the rows; see
            `smm4h_core.tables.write.write_table`.
    """
    columns, types = _answer_columns(path, source, rows)
    _write_rows(path, columns, types, answered, rows)


def answer_in_parts(
    pipeline: Pipeline,
    source: Source,
    path: Path,
    *,
    job: Mapping[str, Any],
    rows: RowKind = "posts",
    extract_all: bool = False,
    part_rows: int = PART_ROWS,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Counter[str]:
    """Like `write_answers`, and goes on where a killed call for the same work stopped.

    Parts of the answer lie beside ``path`` until all are there; a kill costs the open one.

    Args:
        pipeline: Answers.
        source: Rows, in the same order on every call.
        path: The table to write.
        job: What decides the answer; parts of another job are thrown away.
        rows: As for `write_answers`.
        extract_all: As for `Pipeline.process`.
        part_rows: Posts of a part.
        on_rows: Told how many rows more are done, those of earlier calls at once.

    Returns:
        ``posts``, ``positives``, ``mentions`` and ``pairs`` of the whole table; ``resumed``: posts
        that earlier calls had answered.

    Raises:
        DataError: as `write_answers`.
    """
    columns, types = _answer_columns(path, source, rows)
    decisive = {"columns": list(columns), "part_rows": part_rows, "extract_all": extract_all}
    parts = Parts(path, {**job, **decisive})
    done = parts.num_done()
    resumed = sum(1 for _ in islice(source.rows, done * part_rows))
    on_rows(resumed)
    for number, chunk in enumerate(in_chunks(source.rows, part_rows), start=done):
        counts = Counter({"posts": 0})
        rest = replace(source, rows=iter(chunk))
        answered = answer_rows(pipeline, rest, extract_all=extract_all)
        with parts.open(number, counts) as unfinished:
            counted = count_reports(answered, counts, on_rows)
            _write_rows(unfinished, columns, types, counted, rows)
    total = parts.counts()
    total["resumed"] = resumed
    parts.join(columns, types)
    return total


def count_reports(
    answered: Iterable[tuple[Row, Report]],
    counts: Counter[str],
    on_rows: Callable[[int], None] = lambda _: None,
) -> Iterator[tuple[Row, Report]]:
    """Count ``posts``, ``positives``, ``mentions`` and ``pairs`` as they pass."""
    for row, report in answered:
        is_ade = bool(report.ade and report.ade.is_ade)
        found = len(report.mentions or ())
        pairs = len(report.pairs())
        counts.update({"posts": 1, "positives": int(is_ade), "mentions": found, "pairs": pairs})
        on_rows(1)
        yield row, report


def _answer_columns(
    path: Path, source: Source, rows: RowKind
) -> tuple[tuple[str, ...], pa.Schema | None]:
    answers = _COLUMNS[rows]
    if taken := [column for column in source.columns if column in answers]:
        raise DataError(
            f"{source.name}: expected no column named {', '.join(answers)}, since answers "
            f"are written under these names; got {', '.join(taken)}"
        )
    types = None
    if path.suffix == ".parquet":
        types = pa.schema([*source.types(), *map(pa.field, answers, _TYPES[rows])])
    return (*source.columns, *answers), types


def _write_rows(
    path: Path,
    columns: Sequence[str],
    types: pa.Schema | None,
    answered: Iterable[tuple[Row, Report]],
    rows: RowKind,
) -> None:
    with write_table(path, columns, types=types) as append:
        for chunk in in_chunks(answered):
            append(
                [
                    replace(row, cells={**row.cells, **cells})
                    for row, report in chunk
                    for cells in answer_cells(report, rows)
                ]
            )


def answer_cells(report: Report, rows: RowKind) -> list[dict[str, Any]]:
    """What a report puts beside a post's own cells: one row, or one for each pair."""
    return [report_to_cells(report)] if rows == "posts" else pairs_to_cells(report)
