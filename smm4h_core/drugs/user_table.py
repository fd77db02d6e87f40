"""A user's own table of drug names: ``.tsv``, ``.csv`` or ``.parquet``."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from smm4h_core.corpora.tsv import read_rows
from smm4h_core.drugs.curation import language_of
from smm4h_core.drugs.inflect import bend_by_ending
from smm4h_core.drugs.lexicon import Drug, DrugName, Lexicon
from smm4h_core.drugs.names import normalise_name
from smm4h_core.drugs.structures import choose_active
from smm4h_core.errors import DataError
from smm4h_core.types import Lang

USER = "user"
REQUIRED = ("name", "drug")
OPTIONAL = ("smiles", "lang")
_LANGS: Mapping[str, Lang] = {"en": "en", "ru": "ru"}

Numbered = Iterator[tuple[int, Mapping[str, str]]]


def read_user_tables(
    paths: Sequence[Path], known: Lexicon
) -> tuple[tuple[Drug, ...], tuple[DrugName, ...]]:
    """Drugs and names of the user's tables, the last table's names first.

    A drug may be given by any name that is known; one that nobody knew becomes a drug, and its key
    a name. An empty ``smiles`` leaves a known drug its molecule. Russian names of one word bring
    their cases.

    Raises:
        DataError: another format, a missing column, an empty name, a language that is none, SMILES
            that are not one molecule or that differ from another row's; by file and line.
    """
    drugs: dict[str, Drug] = {}
    given: dict[str, str] = {}
    names: list[DrugName] = []
    for path in reversed(paths):
        for line, cells in _read(path):
            place = f"{path}:{line}"
            name, wanted = (normalise_name(cells[column]) for column in REQUIRED)
            if not name or not wanted:
                raise DataError(f"{place}: expected a name and a drug, got {dict(cells)}")
            key = known.names.get(wanted, wanted)
            drug = drugs.get(key) or known.drugs.get(key) or Drug(key, None, "")
            if smiles := cells.get("smiles", "").strip():
                drug = Drug(key, _canonical(smiles, place), USER)
                if given.setdefault(key, drug.smiles or "") != drug.smiles:
                    raise DataError(
                        f"{place}: expected {given[key]} for {key}, as above, got {drug.smiles}"
                    )
            drugs[key] = drug
            lang = _language(cells.get("lang", ""), name, place)
            names.append(DrugName(name, key, lang, "synonym", USER))
            names += _cases(names[-1])
    named = known.names.keys() | {each.name for each in names}
    names += [DrugName(k, k, language_of(k), "ingredient", USER) for k in drugs if k not in named]
    return tuple(drugs.values()), tuple(names)


def _canonical(smiles: str, place: str) -> str:
    structure = choose_active(smiles)
    if structure.smiles is None:
        raise DataError(
            f"{place}: expected SMILES of one molecule, got {smiles!r} ({structure.verdict})"
        )
    return structure.smiles


def _language(cell: str, name: str, place: str) -> Lang | None:
    code = cell.strip().lower()
    if not code:
        return language_of(name)
    if code not in _LANGS:
        raise DataError(f"{place}: expected lang to be en, ru or empty, got {cell!r}")
    return _LANGS[code]


def _cases(name: DrugName) -> Iterator[DrugName]:
    if name.lang == "ru" and name.name.isalpha() and len(name.name) > 2:
        for form in bend_by_ending(name.name):
            yield DrugName(form, name.drug, "ru", "inflected", USER)


def _read(path: Path) -> Numbered:
    suffix = path.suffix.lower()
    if suffix == ".tsv":
        for row in read_rows(path, REQUIRED, OPTIONAL):
            yield row.line, row.cells
    elif suffix == ".csv":
        yield from _read_csv(path)
    elif suffix == ".parquet":
        yield from _read_parquet(path)
    else:
        raise DataError(f"{path}: expected a name ending in .tsv, .csv or .parquet")


def _read_csv(path: Path) -> Numbered:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream, strict=True)
            columns = _check_columns(next(rows, []), path)
            for cells in rows:
                if cells and len(cells) != len(columns):
                    raise DataError(
                        f"{path}:{rows.line_num}: expected {len(columns)} cells, got {len(cells)}"
                    )
                if cells:
                    yield rows.line_num, dict(zip(columns, cells, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected CSV in UTF-8, got: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: expected a file that can be read: {error}") from None


def _read_parquet(path: Path) -> Numbered:
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: expected a Parquet file: {error}") from None
    columns = _check_columns(table.column_names, path)
    for number, row in enumerate(table.rename_columns(list(columns)).to_pylist(), start=1):
        yield number, {name: "" if cell is None else str(cell) for name, cell in row.items()}


def _check_columns(header: Sequence[str], path: Path) -> tuple[str, ...]:
    columns = tuple(name.strip().lower() for name in header)
    if not set(REQUIRED) <= set(columns) <= {*REQUIRED, *OPTIONAL} or len(set(columns)) < len(
        columns
    ):
        raise DataError(
            f"{path}:1: expected the columns {', '.join(REQUIRED)} and perhaps "
            f"{', '.join(OPTIONAL)}; got {', '.join(columns) or 'none'}"
        )
    return columns
