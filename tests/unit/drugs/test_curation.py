import re
from importlib.resources import as_file
from pathlib import Path

import pytest

from smm4h_core.drugs.curation import (
    CuratedDrug,
    data_folder,
    language_of,
    read_curation,
    read_refused,
    read_words,
)
from smm4h_core.drugs.names import normalise_name
from smm4h_core.drugs.structures import choose_active, formula_of
from smm4h_core.errors import DataError

HEADER = "drug\tformula\tsmiles\tnames\tbrands\tslang\n"


@pytest.fixture(scope="module")
def curated() -> dict[str, CuratedDrug]:
    with as_file(data_folder()) as data:
        return {drug.name: drug for drug in read_curation(data / "curated")}


def write(folder: Path, *rows: str) -> Path:
    (folder / "a.tsv").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_every_curated_molecule_has_the_formula_written_beside_it(
    curated: dict[str, CuratedDrug],
) -> None:
    own = {name: drug for name, drug in curated.items() if drug.smiles}
    assert len(own) > 200
    wrong = {}
    for name, drug in own.items():
        chosen = choose_active(drug.smiles)
        if chosen.verdict != "single" or formula_of(chosen.smiles or "") != drug.formula:
            wrong[name] = chosen
    assert wrong == {}


def test_curation_covers_what_the_open_dictionary_lacks(curated: dict[str, CuratedDrug]) -> None:
    lacking = {
        "quetiapine": "C21H25N3O2S",
        "venlafaxine": "C17H27NO2",
        "duloxetine": "C18H19NOS",
        "lisdexamfetamine": "C15H25N3O",
        "ibuprofen": "C13H18O2",
        "rosuvastatin": "C22H28FN3O6S",
        "atomoxetine": "C17H21NO",
        "sildenafil": "C22H30N6O4S",
    }
    assert {name: curated[name].formula for name in lacking} == lacking
    assert all(curated[name].smiles for name in lacking)


def test_curation_has_each_group_that_people_talk_about(curated: dict[str, CuratedDrug]) -> None:
    assert len(curated) > 1000
    names = {normalise_name(n) for d in curated.values() for n in (*d.names, *d.brands, *d.slang)}
    assert {"zoloft", "lexapro", "cymbalta", "effexor xr", "vyv", "seroq", "феварин"} <= names
    assert {"арбидол", "виферон", "изопринозин", "гриппферон", "циклоферон", "ингавирин"} <= names
    assert {"полиоксидоний", "имудон", "ликопид", "но-шпа", "оксолиновая мазь"} <= names
    assert {"кагоцел", "анаферон", "эргоферон"} <= names


def test_curated_combinations_have_no_molecule(curated: dict[str, CuratedDrug]) -> None:
    assert [name for name, drug in curated.items() if "/" in name and drug.formula] == []


def test_curated_names_are_one_script_each(curated: dict[str, CuratedDrug]) -> None:
    # A Latin letter in a Russian word looks right and is never found; letters as words are fine.
    mixed = re.compile("[а-я][a-z]|[a-z][а-я]")
    names = [n for d in curated.values() for n in (d.name, *d.names, *d.brands, *d.slang)]
    assert [name for name in names if mixed.search(name)] == []


def test_refused_drugs_are_not_curated_ones(curated: dict[str, CuratedDrug]) -> None:
    with as_file(data_folder()) as data:
        refused = read_refused(data / "refused.tsv")
    assert refused.keys().isdisjoint(curated)
    assert all(refused.values())


def test_common_words_hold_the_classics() -> None:
    with as_file(data_folder()) as data:
        common = read_words(data / "common_words.txt")
    assert {"yes", "one", "ice", "focus", "relief", "today", "boost", "optimal", "speed"} <= common
    assert {"день", "сила", "оки", "соната"} <= common
    assert common.isdisjoint({"zoloft", "aspirin", "лирика"})


def test_read_curation_reads_a_row(tmp_path: Path) -> None:
    row = "ibuprofen\tC13H18O2\t\tибупрофен; ibu-profen\tAdvil;Нурофен\t"
    (drug,) = read_curation(write(tmp_path, row))
    assert drug == CuratedDrug(
        "ibuprofen",
        "C13H18O2",
        "",
        ("ибупрофен", "ibu-profen"),
        ("Advil", "Нурофен"),
        (),
        f"{tmp_path / 'a.tsv'}:2",
    )
    assert [language_of(name) for name in drug.brands] == ["en", "ru"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a\t\t\t\t\t", "a\t\t\t\t\t"], ":3: expected 'a' once"),
        (["a\t\t\tx\t\t", "b\t\t\t\tX\t"], ":3: 'X' already names a"),
        (["Aspirin\t\t\t\t\t"], ":2: expected the drug as 'aspirin', got 'Aspirin'"),
        (["a\t\tCCO\t\t\t"], ":2: expected a formula that checks the SMILES of a"),
        (["a\t\t\t\t"], ":2: expected 6 cells, got 5"),
    ],
)
def test_read_curation_refuses_a_bad_row(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(DataError) as refusal:
        read_curation(write(tmp_path, *rows))
    assert message in str(refusal.value)


def test_read_words_passes_over_comments(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("# head\n\nIce  # a drug, too\nПлюс Ё\n", encoding="utf-8")
    assert read_words(path) == {"ice", "плюс е"}
