"""COMETA: terms of Reddit posts with their SNOMED CT concepts, one a row, without offsets.

Basaldella, Liu, Shareghi and Collier, EMNLP 2020. Each table has the columns ``ID``, ``Term``,
``General SNOMED ID``, ``Specific SNOMED ID`` and ``Example``; others are passed over.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from smm4h_core.corpora.locate import locate
from smm4h_core.corpora.original import Original, Place, keep_once, mention_of
from smm4h_core.corpora.plain_text import read_first_line, read_text
from smm4h_core.corpora.problems import Problem, Report, refuse
from smm4h_core.corpora.records import next_record
from smm4h_core.types import AnnotatedPost, Mention, Post, Span

Meaning = Literal["specific", "general"]
"""Which concept: the term's in its context, or its literal one."""

COLUMNS = ("ID", "Term", "General SNOMED ID", "Specific SNOMED ID", "Example")
_FILES = ("train.csv", "dev.csv", "test.csv")
# pandas writes a column with gaps as floats.
_CONCEPT = re.compile(r"(\d{6,18})(?:\.0)?")


def is_cometa(path: Path) -> bool:
    """Whether a ``.csv`` file, or ``train.csv``, ``dev.csv`` or ``test.csv`` in one, has it."""
    return any(_has_columns(file) for file in _files_of(path))


def read_cometa(path: Path, meaning: Meaning = "specific", report: Report = refuse) -> Original:
    """Read the examples, each text once with all its terms, in the files' order.

    COMETA says which words are medical terms, not which are adverse effects: posts have no label,
    and every term is a mention of type ADE, as the paper's line of work trains on it. A term that
    its example does not hold is reported and left out.

    Args:
        path: A table, or the folder of ``train.csv``, ``dev.csv`` and ``test.csv``.
        meaning: Which of a term's two concepts to take.
        report: Takes the problems met.

    Raises:
        DataError: from ``report``, at the first error that is not read on.
    """
    column = "Specific SNOMED ID" if meaning == "specific" else "General SNOMED ID"
    ids: dict[str, str] = {}
    terms: dict[str, list[tuple[Mention, Place]]] = {}
    seen: dict[str, str] = {}
    for file in _files_of(path):
        for row, place in _read_rows(file, report):
            row_id, example = row["ID"].strip(), row["Example"]
            if not row_id or row_id in seen:
                got = f"{row_id!r} of {seen[row_id]} again" if row_id else "a blank cell"
                place.error("doubled-id", f"expected each ID once, got {got}")
                continue
            seen[row_id] = f"{file.name}:{place.line}"
            ids.setdefault(example, f"cometa-{row_id}")
            mention = _find_term(row["Term"], row[column], example, terms, place)
            terms.setdefault(example, [])
            if mention is not None:
                terms[example].append((mention, place))
    posts = [
        AnnotatedPost(Post(ids[text], text, "en"), None, keep_once(found), ids[text])
        for text, found in terms.items()
    ]
    return Original(tuple(posts), "document", {})


def _find_term(
    term: str,
    concept: str,
    example: str,
    terms: dict[str, list[tuple[Mention, Place]]],
    place: Place,
) -> Mention | None:
    taken: list[Span] = [mention.span for mention, _ in terms.get(example, [])]
    parts = locate(term, example, taken)
    if not parts:
        place.note("unlocated", f"expected the term {term[:40]!r} in its example, got none")
        return None
    if len(parts) > 1:
        place.note("in-fragments", f"the term {term[:40]!r} stands in {len(parts)} parts")
    code = _CONCEPT.fullmatch(concept.strip())
    if code is None:
        place.note("missing-concept", f"expected a SNOMED CT id, got {concept[:40]!r}")
    quoted = " ".join(example[part.start : part.end] for part in parts)
    return mention_of(parts, quoted, concept_id=code[1] if code else None)


def _files_of(path: Path) -> Sequence[Path]:
    if path.is_dir():
        return [path / name for name in _FILES if (path / name).is_file()]
    return [path] if path.suffix.lower() == ".csv" and path.is_file() else []


def _has_columns(file: Path) -> bool:
    cells = {cell.strip().strip('"') for cell in read_first_line(file).split("\t")}
    return set(COLUMNS) <= cells


def _read_rows(file: Path, report: Report) -> Iterator[tuple[dict[str, str], Place]]:
    """Rows as pandas writes them: a cell that holds a quotation mark or a line end is quoted."""
    lines = (line + "\n" for line in read_text(file, report).split("\n"))
    rows = csv.reader(lines, delimiter="\t", strict=True)
    header = [cell.strip() for cell in next_record(rows) or []]
    if missing := [column for column in COLUMNS if column not in header]:
        got = ", ".join(header) or "an empty file"
        message = f"expected the columns {', '.join(missing)} too; got {got}"
        report(Problem(file, 1, "wrong-columns", message))
        return
    line = rows.line_num + 1
    while True:
        try:
            cells = next_record(rows)
        except csv.Error as error:
            report(Problem(file, line, "bad-quoting", f"expected cells quoted as CSV: {error}"))
            return
        if cells is None:
            return
        if len(cells) == len(header):
            yield dict(zip(header, cells, strict=True)), Place(file, line, report)
        elif cells:
            message = f"expected {len(header)} cells, got {len(cells)}"
            report(Problem(file, line, "wrong-columns", message))
        line = rows.line_num + 1
