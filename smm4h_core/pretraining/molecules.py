"""The molecules that are learnt from: drugs of the lexicon, and many more out of a wheel."""

from __future__ import annotations

import gzip
import hashlib
import random
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol

from smm4h_core.drugs.lexicon import load_lexicon
from smm4h_core.drugs.molecules import MORGAN_RADIUS
from smm4h_core.errors import DataError

TABLE = "moses/dataset/data/train.csv.gz"
"""The table's name inside the ``molsets`` wheel: one column, ``SMILES``, and no quoting."""
MAX_BYTES = 256 * 2**20
"""Four times the table of version 0.3.1 unpacked; more is not what we know."""
MAX_REFUSED = 1000
"""Molecules in a row that may be unreadable or held out before a table is given up."""

_SMILES_BYTES = frozenset(
    b"ABCDEFGHIKLMNOPRSTUVWXYZabcdefghiklmnoprstuvy0123456789()[]=#$:-+/\\.@%*"
)


@dataclass(frozen=True, slots=True)
class Molecules:
    """What a run draws from, and what it must not."""

    drugs: tuple[str, ...]
    """Canonical SMILES of the drugs to train on, sorted."""
    held_out: tuple[str, ...]
    """Drugs whose scaffold (the molecule itself where it has no ring) is kept from training."""
    others: tuple[str, ...]
    """SMILES of the wheel, in its order."""
    fingerprint: str
    """Digest of all three, 12 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One epoch's molecules."""

    smiles: tuple[str, ...]
    """As they are to be read, perhaps from a random atom on."""
    substructures: tuple[NDArray[np.int32], ...]
    """Set bits of each molecule's Morgan fingerprint; empty arrays where none is asked for."""


def read_molecules(*, wheel: Path | None, max_drugs: int | None, held_out: float) -> Molecules:
    """Read the lexicon's molecules and the wheel's.

    Args:
        wheel: The ``molsets`` wheel; None reads none.
        max_drugs: Only so many of the lexicon's.
        held_out: Share of scaffolds kept from training, chosen by their digest.

    Raises:
        DataError: a wheel without the table, a line of it that is no SMILES, or a cut of the drugs
            that leaves one side empty.
    """
    drugs = sorted({drug.smiles for drug in load_lexicon().drugs.values() if drug.smiles})
    drugs = drugs[:max_drugs]
    others = read_wheel_smiles(wheel) if wheel else ()
    kept = [_share_of(scaffold_of(smiles)) < held_out for smiles in drugs]
    if len(set(kept)) < 2:
        raise DataError(
            f"data.held_out: expected drugs to train on and drugs to hold out, got "
            f"{sum(kept)} of {len(drugs)} held out"
        )
    digest = hashlib.sha256()
    for part in (drugs, kept, others):
        digest.update("\n".join(map(str, part)).encode() + b"\0")
    return Molecules(
        tuple(smiles for smiles, out in zip(drugs, kept, strict=True) if not out),
        tuple(smiles for smiles, out in zip(drugs, kept, strict=True) if out),
        others,
        digest.hexdigest()[:12],
    )


def read_wheel_smiles(path: Path) -> tuple[str, ...]:
    """Read the SMILES out of a ``molsets`` wheel; nothing of it is installed, imported or run.

    Raises:
        DataError: if the file is no such wheel, or a line is no SMILES.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(TABLE) as packed:
            data = gzip.GzipFile(fileobj=packed).read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, EOFError) as error:
        raise DataError(f"{path}: expected a wheel that holds {TABLE}: {error}") from None
    if len(data) > MAX_BYTES:
        raise DataError(f"{path}: expected a table of at most {MAX_BYTES} bytes, got more")
    lines = data.splitlines()
    if lines[:1] != [b"SMILES"]:
        came = b"".join(lines[:1])[:40]
        raise DataError(f"{path}: {TABLE}:1: expected the header SMILES, got {came!r}")
    del data, lines[0]
    for number, line in enumerate(lines, 2):
        if not line or not _SMILES_BYTES.issuperset(line):
            raise DataError(f"{path}: {TABLE}:{number}: expected a SMILES, got {line[:80]!r}")
    return tuple(line.decode("ascii") for line in lines)


def scaffold_of(smiles: str) -> str:
    """The ring systems and what links them (Bemis and Murcko, 1996), without stereo.

    A molecule without a ring is its own scaffold: the empty one would hold a third of all drugs.
    """
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
        assert molecule is not None  # the lexicon's are parsed when its tables are built
        rings = GetScaffoldForMol(molecule)  # type: ignore[no-untyped-call]
        return _flat(rings) or _flat(molecule)


class MoleculeSource:
    """Draws each epoch's molecules; the draw depends on ``(seed, epoch)`` alone."""

    def __init__(
        self,
        molecules: Molecules,
        *,
        drug_share: float,
        randomise: float,
        fingerprint_bits: int,
        seed: int,
    ) -> None:
        self.molecules = molecules
        self.drug_share = drug_share if molecules.others else 1.0
        self.randomise = randomise
        self.seed = seed
        self._generator = (
            GetMorganGenerator(radius=MORGAN_RADIUS, fpSize=fingerprint_bits)
            if fingerprint_bits
            else None
        )
        with rdBase.BlockLogs():
            self._forbidden = {_flat(Chem.MolFromSmiles(each)) for each in molecules.held_out}

    def draw(self, epoch: int, *, num_characters: int) -> Drawn:
        """Molecules whose SMILES hold at least so many characters in all.

        Raises:
            DataError: if one after another is unreadable or held out.
        """
        rng = random.Random(f"{self.seed}/{epoch}")
        smiles: list[str] = []
        bits: list[NDArray[np.int32]] = []
        drawn = refused = 0
        with rdBase.BlockLogs():
            while drawn < num_characters:
                one = self._draw_one(rng)
                if one is None:
                    refused += 1
                    if refused > MAX_REFUSED:
                        raise DataError(
                            f"{TABLE}: {refused} molecules in a row are unreadable or held out"
                        )
                    continue
                refused = 0
                smiles.append(one[0])
                bits.append(one[1])
                drawn += len(one[0])
        return Drawn(tuple(smiles), tuple(bits))

    def _draw_one(self, rng: random.Random) -> tuple[str, NDArray[np.int32]] | None:
        is_drug = rng.random() < self.drug_share
        smiles = rng.choice(self.molecules.drugs if is_drug else self.molecules.others)
        molecule = Chem.MolFromSmiles(smiles)
        # The wheel knows no stereo, so what it shares with a drug shows without stereo alone.
        if molecule is None or (not is_drug and _flat(molecule) in self._forbidden):
            return None
        if is_drug and rng.random() < self.randomise:
            number = rng.randrange(1, 2**31)
            smiles = Chem.MolToRandomSmilesVect(molecule, 1, randomSeed=number)[0]
        return smiles, self._substructures(molecule)

    def _substructures(self, molecule: Chem.Mol) -> NDArray[np.int32]:
        if self._generator is None:
            return np.zeros(0, np.int32)
        found = self._generator.GetFingerprint(molecule).GetOnBits()
        return np.fromiter(found, np.int32)


def _flat(molecule: Chem.Mol) -> str:
    return str(Chem.MolToSmiles(molecule, isomericSmiles=False))


def _share_of(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64
