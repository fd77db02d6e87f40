"""Our own curation of the drugs that people talk about: names, brands, slang, molecules.

``data/curated/*.tsv`` holds a drug a row. ``formula`` is the molecular formula that its molecule
must have; ``smiles`` is empty where the open dictionary's own molecule has it; both are empty where
the drug has no one molecule. Several names in a cell are parted by ``;``. A name's script tells its
language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

from smm4h_core.corpora.tsv import read_rows
from smm4h_core.drugs.names import normalise_name
from smm4h_core.errors import DataError
from smm4h_core.types import Lang

COLUMNS = ("drug", "formula", "smiles", "names", "brands", "slang")
_CYRILLIC = re.compile("[\u0400-\u04ff]")


@dataclass(frozen=True, slots=True)
class CuratedDrug:
    """A row of the curation."""

    name: str
    """English international non-proprietary name, lower case; several joined by ``/`` in a
    combination."""
    formula: str
    """Molecular formula, Hill order; empty where the drug has no one molecule."""
    smiles: str
    """SMILES from our own knowledge; empty where the open dictionary's is right, or there is
    none."""
    names: tuple[str, ...]
    """Other names of the substance, in English and Russian."""
    brands: tuple[str, ...]
    """Trade names, in English and Russian."""
    slang: tuple[str, ...]
    """Short forms and nicknames."""
    place: str
    """File and line, for errors."""


def data_folder() -> Traversable:
    """Where the package keeps its tables."""
    return files("smm4h_core.drugs") / "data"


def language_of(name: str) -> Lang:
    """Russian where a name holds a Cyrillic letter, English otherwise."""
    return "ru" if _CYRILLIC.search(name) else "en"


def read_curation(folder: Path) -> tuple[CuratedDrug, ...]:
    """Read every table of the curation, in order of file and line.

    Raises:
        DataError: another column, a drug that stands twice, a name that two drugs claim.
    """
    drugs: dict[str, CuratedDrug] = {}
    owners: dict[str, CuratedDrug] = {}
    for path in sorted(folder.glob("*.tsv")):
        for drug in _read_table(path):
            if drug.name in drugs:
                first = drugs[drug.name].place
                raise DataError(f"{drug.place}: expected {drug.name!r} once, {first} has it too")
            drugs[drug.name] = drug
            for name in (drug.name, *drug.names, *drug.brands, *drug.slang):
                owner = owners.setdefault(normalise_name(name), drug)
                if owner is not drug:
                    raise DataError(
                        f"{drug.place}: {name!r} already names {owner.name} ({owner.place})"
                    )
    return tuple(drugs.values())


def read_refused(path: Path) -> dict[str, str]:
    """Drugs whose molecule in the open dictionary is another substance's, with the reason."""
    return {row.cells["drug"]: row.cells["reason"] for row in read_rows(path, ("drug", "reason"))}


def read_words(path: Path) -> frozenset[str]:
    """Words and names, one a line, as `normalise_name` leaves them; ``#`` begins a comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    words = (normalise_name(line.partition("#")[0]) for line in lines)
    return frozenset(word for word in words if word)


@cache
def word_list(name: str) -> frozenset[str]:
    """A list of words among the package's data."""
    with as_file(data_folder() / name) as path:
        return read_words(path)


def _read_table(path: Path) -> Iterator[CuratedDrug]:
    for row in read_rows(path, COLUMNS):
        cells, place = row.cells, f"{path}:{row.line}"
        name = normalise_name(cells["drug"])
        if name != cells["drug"]:
            raise DataError(f"{place}: expected the drug as {name!r}, got {cells['drug']!r}")
        if cells["smiles"] and not cells["formula"]:
            raise DataError(
                f"{place}: expected a formula that checks the SMILES of {name}, got none"
            )
        names, brands, slang = map(_split, (cells["names"], cells["brands"], cells["slang"]))
        yield CuratedDrug(name, cells["formula"], cells["smiles"], names, brands, slang, place)


def _split(cell: str) -> tuple[str, ...]:
    return tuple(name for part in cell.split(";") if (name := part.strip()))
