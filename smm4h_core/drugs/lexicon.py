"""The drug lexicon: surface names to active ingredients to molecules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal, cast

from smm4h_core.drugs.names import normalise_name
from smm4h_core.types import Lang

COMMON_WORDS_FILE = "common_words.txt"
DRUGS_FILE = "drugs.parquet"
NAMES_FILE = "names.parquet"
NAME_COLUMNS = ("name", "drug", "lang", "kind", "source")
REPEATING = ("drug", "lang", "kind", "source", "check")
"""Columns of the tables that hold few values often."""

NameKind = Literal["ingredient", "brand", "synonym", "slang", "inflected"]


@dataclass(frozen=True, slots=True)
class Drug:
    """An active ingredient and its molecule."""

    name: str
    """English international non-proprietary name, lower case; the key. The ingredients of a
    combination are joined by ``/``."""
    smiles: str | None
    """Canonical SMILES (RDKit); None where none is known: biologics, mixtures, vaccines."""
    smiles_source: str
    """Where the molecule comes from; empty where there is none."""


@dataclass(frozen=True, slots=True)
class DrugName:
    """One surface form of a drug."""

    name: str
    """The form, as `normalise_name` leaves it."""
    drug: str
    """`Drug.name` of what it stands for."""
    lang: Lang | None
    """Language that uses it; None for either."""
    kind: NameKind
    """What sort of name it is; an inflected form belongs to a Russian name."""
    source: str
    """Where it comes from."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Drugs by their key and by every name."""

    drugs: Mapping[str, Drug]
    """Drugs by `Drug.name`."""
    names: Mapping[str, str]
    """Surface form, as `normalise_name` leaves it, to `Drug.name`."""
    details: Sequence[DrugName] = field(default=(), repr=False)
    """Every name with its language, kind and source, one for each of ``names``."""

    def lookup(self, name: str) -> Drug | None:
        """The drug that a name stands for, in whatever case and spacing; None where unknown."""
        key = self.names.get(normalise_name(name))
        return None if key is None else self.drugs[key]

    def names_of(self, drug: str) -> tuple[DrugName, ...]:
        """All names of a drug given by its key; none for a key that is not there."""
        return tuple(each for each in self.details if each.drug == drug)


def build_lexicon(drugs: Iterable[Drug], names: Iterable[DrugName]) -> Lexicon:
    """A lexicon of these drugs and names; of two like names the first stays."""
    by_name: dict[str, DrugName] = {}
    for each in names:
        by_name.setdefault(each.name, each)
    return Lexicon(
        {drug.name: drug for drug in drugs},
        {name: each.drug for name, each in by_name.items()},
        tuple(by_name.values()),
    )


def load_lexicon(extra: Sequence[Path] = ()) -> Lexicon:
    """The packaged lexicon, and over it tables of the user's own.

    Args:
        extra: Tables with the columns ``name``, ``drug``, ``smiles`` and perhaps ``lang``, ending
            in ``.tsv``, ``.csv`` or ``.parquet``. What they say goes before what the package says,
            and the last before the first.

    Raises:
        DataError: a table that does not fit, by file and line.
    """
    with as_file(files("smm4h_core.drugs") / "data") as folder:
        lexicon = read_lexicon(folder)
    if not extra:
        return lexicon
    from smm4h_core.drugs.user_table import (
        read_user_tables,
    )  # RDKit, which the package's own need not

    drugs, names = read_user_tables(extra, lexicon)
    given = [each for each in names if each.kind != "inflected"]
    made = [each for each in names if each.kind == "inflected"]  # our guesses give way to names
    return build_lexicon(
        {**lexicon.drugs, **{drug.name: drug for drug in drugs}}.values(),
        (*given, *lexicon.details, *made),
    )


def read_lexicon(folder: Path) -> Lexicon:
    """Read the two tables that the build wrote to a folder."""
    name, smiles, source = _read_columns(folder / DRUGS_FILE, ("name", "smiles", "source"))
    drugs = map(Drug, cast("list[str]", name), smiles, cast("list[str]", source))
    columns = _read_columns(folder / NAMES_FILE, NAME_COLUMNS)
    return build_lexicon(drugs, map(DrugName, *columns))


def write_lexicon(lexicon: Lexicon, folder: Path) -> None:
    """Write the two tables that `read_lexicon` reads."""
    sources = {"name": "name", "smiles": "smiles", "source": "smiles_source"}
    write_rows(folder / DRUGS_FILE, lexicon.drugs.values(), sources)
    write_rows(folder / NAMES_FILE, lexicon.details, {name: name for name in NAME_COLUMNS})


def write_rows(path: Path, rows: Iterable[object], columns: Mapping[str, str]) -> None:
    """Write rows as one Parquet file; the same rows give the same bytes.

    Args:
        path: The file; its folder is made.
        rows: Objects whose attributes are texts or None.
        columns: The attribute of each column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = list(rows)
    table = pa.table(
        {
            column: pa.array([getattr(row, attribute) for row in rows], pa.string())
            for column, attribute in columns.items()
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = [column for column in columns if column in REPEATING]
    pq.write_table(table, path, compression="zstd", compression_level=19, use_dictionary=packed)


def _read_columns(path: Path, columns: Sequence[str]) -> list[list[str | None]]:
    import pyarrow.parquet as pq  # `smm4h --help` builds its tree of commands without it

    # Of what repeats by the thousand (a drug, a kind, a source) each value becomes one string.
    # pq.read_table would load Arrow's dataset engine, 80 MB that nothing here needs.
    with pq.ParquetFile(path, read_dictionary=[c for c in columns if c in REPEATING]) as file:
        table = file.read(list(columns), use_threads=False)
    return [_to_list(table[column].combine_chunks()) for column in columns]


def _to_list(column: Any) -> list[str | None]:
    if not hasattr(column, "dictionary"):
        return cast("list[str | None]", column.to_pylist())
    values = [*column.dictionary.to_pylist(), None]
    return [values[-1 if index is None else index] for index in column.indices.to_pylist()]
