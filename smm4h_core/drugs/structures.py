"""From a structure as a source has it, salt or mixture, to one active molecule or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any, Literal

from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from smm4h_core.corpora.tsv import read_rows

Verdict = Literal[
    "single", "salt stripped", "mixture", "metal complex", "inorganic", "broken", "too long"
]
LONGEST_SMILES = 4_000
"""Characters. The lexicon's longest has 1,259; RDKit's stack overflows near 20,000."""

PLAIN = frozenset({1, 3, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 19, 20, 30, 34, 35, 53})
"""Elements of counter-ions and solvents. A fragment of any other (Pt, Au, Gd, Bi) is part of what
acts."""


@dataclass(frozen=True, slots=True)
class Structure:
    """The active molecule of a source's structure, or the reason why there is none."""

    smiles: str | None
    """Canonical SMILES of the neutral molecule; None where ``verdict`` forbids one."""
    verdict: Verdict
    """How it was found, or why it was not."""


def choose_active(smiles: str) -> Structure:
    """The active part of a structure.

    Equal fragments count once. Counter-ions and solvents are taken away; if one organic fragment is
    left, it is the answer. Of several none is chosen: checked against drugs whose molecule is
    known, the largest was the right one in 6 of 14, since the sources mix up products with their
    ingredients.
    """
    if len(smiles) > LONGEST_SMILES:
        return Structure(None, "too long")
    with _silent():
        molecule = parse_molecule(smiles)
        if molecule is None or not molecule.GetNumAtoms():
            return Structure(None, "broken")
        parts = {_flat(part): part for part in map(_neutral, _fragments(molecule))}
        if len(parts) == 1:
            (part,) = parts.values()
            return Structure(_canonical(part), "single")
        organic = {flat: part for flat, part in parts.items() if _is_organic(part)}
        if not all(_is_plain(part) for flat, part in parts.items() if flat not in organic):
            return Structure(None, "metal complex")
        active = [part for flat, part in organic.items() if flat not in _counter_ions()]
        if len(active) == 1:
            return Structure(_canonical(active[0]), "salt stripped")
        return Structure(None, "mixture" if organic else "inorganic")


def choose_by_formula(smiles: str, formula: str) -> str | None:
    """The one neutral fragment that has a formula; None where none has it, or several have."""
    with _silent():
        molecule = parse_molecule(smiles)
        if molecule is None:
            return None
        parts = {_flat(part): part for part in map(_neutral, _fragments(molecule))}
        fitting = [part for part in parts.values() if CalcMolFormula(part) == formula]
        return _canonical(fitting[0]) if len(fitting) == 1 else None


def formula_of(smiles: str) -> str:
    """Molecular formula in Hill order, the charge at its end.

    Raises:
        ValueError: if RDKit does not parse the SMILES.
    """
    with _silent():
        molecule = parse_molecule(smiles)
    if molecule is None:
        raise ValueError(f"expected SMILES that RDKit parses, got {smiles!r}")
    return str(CalcMolFormula(molecule))


def parse_molecule(smiles: str) -> Any:
    """The molecule; None where RDKit does not parse it, or would crash on its length."""
    return Chem.MolFromSmiles(smiles) if len(smiles) <= LONGEST_SMILES else None


def _fragments(molecule: Any) -> list[Any]:
    return list(Chem.GetMolFrags(molecule, asMols=True, sanitizeFrags=True))


def _neutral(molecule: Any) -> Any:
    return rdMolStandardize.Uncharger().uncharge(molecule)


def _canonical(molecule: Any) -> str:
    return str(Chem.MolToSmiles(molecule))


def _flat(molecule: Any) -> str:
    """Canonical SMILES without stereo: sources draw one molecule with more or fewer centres."""
    return str(Chem.MolToSmiles(molecule, isomericSmiles=False))


def _is_organic(molecule: Any) -> bool:
    return any(atom.GetAtomicNum() == 6 for atom in molecule.GetAtoms())


def _is_plain(molecule: Any) -> bool:
    return all(atom.GetAtomicNum() in PLAIN for atom in molecule.GetAtoms())


@cache
def _counter_ions() -> frozenset[str]:
    """Partners that carry no effect of their own, from the package's table."""
    with as_file(files("smm4h_core.drugs") / "data" / "counter_ions.tsv") as path:
        rows = [row.cells["smiles"] for row in read_rows(path, ("name", "smiles"))]
    return frozenset(_flat(_neutral(parse_molecule(smiles))) for smiles in rows)


@contextmanager
def _silent() -> Iterator[None]:
    """RDKit says on stderr what a None already says."""
    block = rdBase.BlockLogs()
    try:
        yield
    finally:
        del block
