"""A terminology as a table of terms: TSV with a header, the simplest of its sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from smm4h_core.corpora.tsv import Row, read_rows
from smm4h_core.drugs.curation import language_of
from smm4h_core.errors import DataError
from smm4h_core.link.terminology import TERM_KINDS, Term, TermKind
from smm4h_core.types import Lang

REQUIRED = ("concept_id", "term")
OPTIONAL = ("kind", "lang", "parents", "current", "source")
"""``parents`` are parted by ``;``; ``current`` is Y or N; ``source`` may stand and is not kept."""


def read_term_table(path: Path) -> Iterator[Term]:
    """Read terms; of a concept without a ``preferred`` one its first term is that.

    Raises:
        DataError: other columns, an empty cell, a value that is none of those allowed, a second
            preferred term; by file and line.
    """
    rows = list(read_rows(path, REQUIRED, OPTIONAL))
    if not rows:
        raise DataError(f"{path}: expected terms, got none")
    kinds = [_kind(row) for row in rows]
    preferred: dict[str, int] = {}
    for place, (row, kind) in enumerate(zip(rows, kinds, strict=True)):
        first = preferred.setdefault(_concept_id(row), place)
        if kind == "preferred" and first != place:
            if kinds[first] == "preferred":
                raise DataError(
                    f"{path}:{row.line}: expected one preferred term of "
                    f"{_concept_id(row)}, got another on line {rows[first].line}"
                )
            preferred[_concept_id(row)] = place
    for place, (row, kind) in enumerate(zip(rows, kinds, strict=True)):
        is_preferred = preferred[_concept_id(row)] == place
        yield _term(row, "preferred" if is_preferred else kind or "synonym", is_preferred)


def _concept_id(row: Row) -> str:
    return row.cells["concept_id"].strip()


def _kind(row: Row) -> TermKind | None:
    for column in REQUIRED:
        if not row.cells[column].strip():
            raise DataError(f"{row.path}:{row.line}: expected a {column}, got an empty cell")
    kind = row.cells.get("kind", "")
    if kind and kind not in TERM_KINDS:
        raise DataError(
            f"{row.path}:{row.line}: expected kind {', '.join(TERM_KINDS)} or none, got {kind!r}"
        )
    return kind or None


def _term(row: Row, kind: TermKind, is_preferred: bool) -> Term:
    place = f"{row.path}:{row.line}"
    text, lang = row.cells["term"].strip(), row.cells.get("lang", "")
    if lang not in ("", "en", "ru"):
        raise DataError(f"{place}: expected lang en, ru or none, got {lang!r}")
    current = row.cells.get("current", "")
    if current not in ("", "Y", "N"):
        raise DataError(f"{place}: expected current Y, N or none, got {current!r}")
    parents = tuple(p.strip() for p in row.cells.get("parents", "").split(";") if p.strip())
    if parents and not is_preferred:
        raise DataError(f"{place}: expected parents on the preferred term alone, got {parents}")
    return Term(
        _concept_id(row),
        text,
        kind,
        cast("Lang", lang) if lang else language_of(text),
        parents,
        current != "N",
    )
