from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from smm4h_core.drugs.molecules import encode_molecules, parse_smiles
from smm4h_core.errors import DataError
from smm4h_core.pretraining.molecules import (
    TABLE,
    Molecules,
    MoleculeSource,
    read_molecules,
    read_wheel_smiles,
    scaffold_of,
)


def make_wheel(path: Path, content: bytes, name: str = TABLE) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = gzip.compress(b"SMILES\nCCO\nc1ccncc1\nCC(=O)Oc1ccccc1C(=O)O\n")
    return make_wheel(tmp_path_factory.mktemp("wheel") / "molsets.whl", content)


def draws(molecules: Molecules, **options: object) -> MoleculeSource:
    settings = {"drug_share": 0.5, "randomise": 0.5, "fingerprint_bits": 64, "seed": 0}
    return MoleculeSource(molecules, **{**settings, **options})


def test_read_wheel_reads_the_table_alone(wheel: Path) -> None:
    assert read_wheel_smiles(wheel) == ("CCO", "c1ccncc1", "CC(=O)Oc1ccccc1C(=O)O")


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "moses/nothing.csv", "expected a wheel that holds"),
        (b"no gzip", TABLE, "expected a wheel that holds"),
        (gzip.compress(b"SMILES\nCCO")[:-9], TABLE, "expected a wheel that holds"),
        (gzip.compress(b"smiles\nCCO\n"), TABLE, r":1: expected the header SMILES"),
        (gzip.compress(b"SMILES\nCCO\n<html>\n"), TABLE, r":3: expected a SMILES, got b'<html>'"),
        (gzip.compress(b"SMILES\n\nCCO\n"), TABLE, r":2: expected a SMILES, got b''"),
        (gzip.compress(b""), TABLE, r":1: expected the header SMILES, got b''"),
    ],
)
def test_read_wheel_refuses_what_it_does_not_know(
    tmp_path: Path, content: bytes, name: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_wheel_smiles(make_wheel(tmp_path / "strange.whl", content, name))


def test_read_wheel_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.whl: expected a wheel"):
        read_wheel_smiles(tmp_path / "missing.whl")


def test_scaffold_is_shared_by_decorations_of_one_ring_system() -> None:
    assert scaffold_of("CC(=O)Oc1ccccc1C(=O)O") == scaffold_of("CCc1ccccc1") == "c1ccccc1"
    assert scaffold_of("C[C@H](N)C(=O)O") == "CC(N)C(=O)O"  # no ring: itself, without stereo


def test_held_out_drugs_share_no_scaffold_with_the_others() -> None:
    molecules = read_molecules(wheel=None, max_drugs=300, held_out=0.2)
    trained = {scaffold_of(smiles) for smiles in molecules.drugs}
    assert trained.isdisjoint(scaffold_of(smiles) for smiles in molecules.held_out)
    assert len(molecules.drugs) + len(molecules.held_out) == 300
    assert 30 < len(molecules.held_out) < 90
    assert read_molecules(wheel=None, max_drugs=300, held_out=0.2) == molecules


def test_draw_depends_on_seed_and_epoch_alone() -> None:
    molecules = read_molecules(wheel=None, max_drugs=100, held_out=0.1)
    first = draws(molecules).draw(3, num_characters=2000)
    source = draws(molecules)
    source.draw(0, num_characters=500)
    again = source.draw(3, num_characters=2000)
    assert first.smiles == again.smiles
    for one, other in zip(first.substructures, again.substructures, strict=True):
        np.testing.assert_array_equal(one, other)
    assert draws(molecules).draw(4, num_characters=2000).smiles != first.smiles
    assert draws(molecules, seed=1).draw(3, num_characters=2000).smiles != first.smiles
    assert 2000 <= sum(map(len, first.smiles)) < 2000 + max(map(len, first.smiles))


def test_draw_never_gives_a_held_out_molecule(wheel: Path) -> None:
    held_out = ("C[C@H](N)O", "c1ccncc1")
    molecules = Molecules(("CCN",), held_out, (*read_wheel_smiles(wheel), "CC(N)O"), "")
    drawn = draws(molecules, drug_share=0.1).draw(0, num_characters=5000).smiles
    assert set(map(parse_smiles, drawn)) == {"CCN", "CCO", "CC(=O)Oc1ccccc1C(=O)O"}


def test_read_molecules_wants_both_sides_of_the_cut() -> None:
    with pytest.raises(DataError, match=r"data\.held_out: .* got 0 of 3 held out"):
        read_molecules(wheel=None, max_drugs=3, held_out=1e-9)


def test_draw_gives_up_a_table_that_it_cannot_read() -> None:
    molecules = Molecules(("CCN",), ("CCO",), ("CCO", "C(", "c1cc"), "")
    with pytest.raises(DataError, match=r"1001 molecules in a row are unreadable or held out"):
        draws(molecules, drug_share=0.0).draw(0, num_characters=10)


def test_draw_writes_drugs_from_random_atoms_and_knows_their_substructures() -> None:
    drug = "CC(=O)Oc1ccccc1C(=O)O"
    molecules = Molecules((drug,), (), ("CCO",), "")
    drawn = draws(molecules, randomise=1.0).draw(0, num_characters=4000)
    drugs = [smiles for smiles in drawn.smiles if smiles != "CCO"]
    assert {parse_smiles(smiles) for smiles in drugs} == {drug}
    assert len(set(drugs)) > 20
    assert 0.35 < len(drugs) / len(drawn.smiles) < 0.65
    assert set(draws(molecules, randomise=0.0).draw(0, num_characters=400).smiles) == {drug, "CCO"}
    expected = encode_molecules([drug], uri="morgan:64").vectors[drug]
    bits = drawn.substructures[drawn.smiles.index(drugs[0])]
    np.testing.assert_array_equal(np.flatnonzero(expected), np.sort(bits))
    assert Chem.MolFromSmiles(drugs[0]).GetNumAtoms() == 13
