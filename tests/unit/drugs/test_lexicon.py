import subprocess
import sys
import time
from importlib.resources import as_file

import pyarrow.parquet as pq
import pytest

from smm4h_core.drugs.curation import data_folder, read_curation, read_refused
from smm4h_core.drugs.lexicon import (
    Drug,
    DrugName,
    Lexicon,
    build_lexicon,
    load_lexicon,
)
from smm4h_core.drugs.names import normalise_name
from smm4h_core.drugs.structures import choose_active, formula_of

LOAD_AND_LIST = """
import sys
from smm4h_core.drugs.lexicon import load_lexicon
load_lexicon()
print(*sorted({"pandas", "pymorphy3", "rdkit", "torch"} & sys.modules.keys()))
"""


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


def test_lookup_takes_any_case_and_spacing(lexicon: Lexicon) -> None:
    for name in ("Effexor XR", " effexor   xr ", "EFFEXOR\u00a0XR", "Велаксин", "велаксином"):
        drug = lexicon.lookup(name)
        assert drug is not None
        assert drug.name == "venlafaxine"
    assert lexicon.lookup("no such thing") is None
    assert lexicon.lookup("") is None


@pytest.mark.parametrize(
    ("name", "drug"),
    [
        # PsyTAR's four
        ("Zoloft", "sertraline"),
        ("Lexapro", "escitalopram"),
        ("Cymbalta", "duloxetine"),
        ("Effexor XR", "venlafaxine"),
        # slang and short forms
        ("vyv", "lisdexamfetamine"),
        ("seroq", "quetiapine"),
        ("addy", "amphetamine"),
        ("percs", "oxycodone/paracetamol"),
        # other names of a substance, its salts, its American name
        ("acetaminophen", "paracetamol"),
        ("albuterol", "salbutamol"),
        ("sertraline hydrochloride", "sertraline"),
        ("aspirin", "acetylsalicylic acid"),
        # Russian market
        ("арбидола", "umifenovir"),
        ("виферон", "interferon alfa"),
        ("кагоцелом", "kagocel"),
        ("анаферон детский", "anaferon"),
        ("изопринозина", "inosine pranobex"),
        ("циклоферон", "meglumine acridonacetate"),
        ("ингавирином", "imidazolyl ethanamide pentandioic acid"),
        ("эргоферон", "ergoferon"),
        ("полиоксидония", "azoximer bromide"),
        ("имудоном", "bacterial lysates mixture"),
        ("ликопида", "glucosaminylmuramyl dipeptide"),
        ("гриппферон", "interferon alfa"),
        ("феварина", "fluvoxamine"),
        ("но-шпу", "drotaverine"),
        ("зелёнкой", "brilliant green"),
    ],
)
def test_lexicon_knows_what_people_write(lexicon: Lexicon, name: str, drug: str) -> None:
    found = lexicon.lookup(name)
    assert found is not None
    assert found.name == drug


@pytest.mark.parametrize(
    ("drug", "formula"),
    [
        ("quetiapine", "C21H25N3O2S"),
        ("venlafaxine", "C17H27NO2"),
        ("duloxetine", "C18H19NOS"),
        ("lisdexamfetamine", "C15H25N3O"),
        ("ibuprofen", "C13H18O2"),
        ("dexamethasone", "C22H29FO5"),
        ("oxycodone", "C18H21NO4"),
        ("propranolol", "C16H21NO2"),
        ("amiloride", "C6H8ClN7O"),
        ("donepezil", "C24H29NO3"),
        ("abacavir", "C14H18N6O"),
        ("peramivir", "C15H28N4O4"),
    ],
)
def test_molecules_that_the_dictionary_had_wrong_are_right(
    lexicon: Lexicon, drug: str, formula: str
) -> None:
    smiles = lexicon.drugs[drug].smiles
    assert smiles is not None
    assert formula_of(smiles) == formula


@pytest.mark.parametrize("drug", ["kagocel", "adalimumab", "influenza vaccine", "carboplatin"])
def test_what_has_no_one_molecule_has_none(lexicon: Lexicon, drug: str) -> None:
    assert lexicon.drugs[drug].smiles is None
    assert lexicon.drugs[drug].smiles_source == ""


def test_every_molecule_is_canonical_whole_and_has_a_source(lexicon: Lexicon) -> None:
    with_molecule = [drug for drug in lexicon.drugs.values() if drug.smiles]
    assert len(with_molecule) > 6000
    for drug in with_molecule:
        assert drug.smiles is not None
        assert "." not in drug.smiles
        assert "/" not in drug.name
        assert drug.smiles_source in ("curated", "drug-named-entity-recognition 2.0.9")
    # Parsing all takes seconds; every twelfth tells as much.
    for drug in with_molecule[::12]:
        assert drug.smiles is not None
        chosen = choose_active(drug.smiles)
        assert (chosen.smiles, chosen.verdict) == (drug.smiles, "single"), drug.name


def test_tables_agree_with_the_curation_they_were_built_from(lexicon: Lexicon) -> None:
    with as_file(data_folder()) as data:
        curated = read_curation(data / "curated")
        refused = read_refused(data / "refused.tsv")
        with pq.ParquetFile(data / "drugs.parquet") as file:
            formulas = {row["name"]: row["formula"] for row in file.read().to_pylist()}
    names = {
        (normalise_name(name), drug.name)
        for drug in curated
        for name in (drug.name, *drug.names, *drug.brands, *drug.slang)
    }
    assert names <= lexicon.names.items()
    assert {d.name: d.formula for d in curated} == {d.name: formulas[d.name] for d in curated}
    assert all(lexicon.drugs[name].smiles is None for name in refused if name in lexicon.drugs)


def test_names_are_normalised_and_stand_for_a_drug(lexicon: Lexicon) -> None:
    assert len(lexicon.names) > 80_000
    assert [name for name in lexicon.names if normalise_name(name) != name] == []
    assert set(lexicon.names.values()) == set(lexicon.drugs)
    assert {each.name: each.drug for each in lexicon.details} == lexicon.names


@pytest.mark.parametrize(
    "word",
    ["yes", "one", "ice", "focus", "relief", "today", "generics", "caps", "serotonin", "день"],
)
def test_ordinary_words_are_no_names(lexicon: Lexicon, word: str) -> None:
    assert word not in lexicon.names


def test_names_of_gives_every_name_of_a_drug(lexicon: Lexicon) -> None:
    names = {each.name: each for each in lexicon.names_of("quetiapine")}
    assert names["seroquel"] == DrugName("seroquel", "quetiapine", "en", "brand", "curated")
    assert names["сероквеля"].kind == "inflected"
    assert names["quetiapine"].kind == "ingredient"
    assert lexicon.names_of("no such drug") == ()


def test_build_lexicon_keeps_the_first_of_two_like_names() -> None:
    built = build_lexicon(
        (Drug("a", None, ""), Drug("b", None, "")),
        (DrugName("x", "a", None, "brand", "s"), DrugName("x", "b", None, "brand", "s")),
    )
    assert built.names == {"x": "a"}
    assert built.details == (DrugName("x", "a", None, "brand", "s"),)


def test_load_lexicon_is_quick() -> None:
    seconds = []
    for _ in range(3):
        start = time.thread_time()  # what else the machine does is not its business
        load_lexicon()
        seconds.append(time.thread_time() - start)
    assert min(seconds) < 0.7


def test_load_lexicon_imports_nothing_that_it_does_not_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD_AND_LIST], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
