from collections.abc import Mapping
from typing import Any

import pytest

from smm4h_core.drugs.curation import CuratedDrug
from smm4h_core.drugs.merge import base_of_salt, is_writable, merge_drugs, merge_names
from smm4h_core.drugs.wheel import WheelDictionary
from smm4h_core.errors import DataError

SOURCE = "drug-named-entity-recognition 9.9"
MEDICINE = {"drugbank_id": "DB1"}
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def dictionary(
    names: Mapping[str, str],
    facts: Mapping[str, Mapping[str, Any]],
    brands: frozenset[str] = frozenset(),
) -> WheelDictionary:
    return WheelDictionary(
        "9.9",
        {name: (entry,) for name, entry in names.items()},
        facts,
        {name: {"is_brand": True} for name in brands},
    )


def ours(
    name: str, formula: str = "", smiles: str = "", names: tuple[str, ...] = (), **kinds: Any
) -> CuratedDrug:
    brands, slang = kinds.get("brands", ()), kinds.get("slang", ())
    return CuratedDrug(name, formula, smiles, names, brands, slang, "a.tsv:2")


def merged_names(
    wheel: WheelDictionary,
    curated: tuple[CuratedDrug, ...] = (),
    common: frozenset[str] = frozenset(),
) -> dict[str, str]:
    _, keys = merge_drugs(wheel, curated, {})
    return {each.name: each.drug for each in merge_names(wheel, curated, keys, common)}


def test_merge_drugs_keeps_medicines_and_organic_substances() -> None:
    wheel = dictionary(
        {},
        {
            "a drug": MEDICINE,
            "on the nhs": {"nhs_url": "x"},
            "some protein": {"mesh_id": "D1", "mesh_tree": ["D12.776"], "smiles": "CCO"},
            "a class": {"mesh_id": "D2", "mesh_tree": ["D03.1"]},
            "a substance": {"mesh_id": "D3", "mesh_tree": ["D03.2"], "smiles": "CCO"},
            "tryptamines": {"mesh_id": "D4", "mesh_tree": ["D03.3"], "smiles": "NCCO"},
        },
    )
    drugs, _ = merge_drugs(wheel, (), {})
    assert set(drugs) == {"a drug", "on the nhs", "a substance"}


def test_merge_drugs_drops_extracts_for_allergy_tests() -> None:
    facts = {"pecan": MEDICINE, "insulin": MEDICINE, "milk thistle": {**MEDICINE, "mesh_id": "D1"}}
    names = {"pecans": "pecan", "pecan nut": "pecan", "milk thistle seed": "milk thistle"}
    wheel = dictionary({**names, "insulin": "insulin"}, facts)
    assert merged_names(wheel) == {"insulin": "insulin", "milk thistle seed": "milk thistle"}


def test_merge_drugs_sends_salts_to_their_base_but_no_chloride_to_its_metal() -> None:
    entries = ("erlotinib", "erlotinib hydrochloride", "potassium", "potassium chloride", "zinc")
    wheel = dictionary(
        {entry: entry for entry in (*entries, "zinc chloride")},
        dict.fromkeys((*entries, "zinc chloride"), MEDICINE),
    )
    names = merged_names(wheel)
    assert names["erlotinib hydrochloride"] == "erlotinib"
    assert names["potassium chloride"] == "potassium chloride"
    assert names["zinc chloride"] == "zinc chloride"


def test_merge_drugs_joins_the_headings_of_a_combination() -> None:
    facts = {
        "lamivudine": MEDICINE,
        "acetaminophen": MEDICINE,
        "acetaminophen and lamivudine": {"medline_plus_id": "1", "smiles": "CCO"},
        "lamivudine, acetaminophen, and unheard": {"medline_plus_id": "2"},
    }
    curated = (ours("paracetamol", names=("acetaminophen",)),)
    drugs, keys = merge_drugs(dictionary({}, facts), curated, {})
    assert keys["acetaminophen and lamivudine"] == "paracetamol/lamivudine"
    assert drugs["paracetamol/lamivudine"].smiles is None
    assert drugs["paracetamol/lamivudine"].check == "mixture"
    assert "lamivudine, acetaminophen, and unheard" in drugs

    combined = (*curated, ours("lamivudine/paracetamol"))
    _, keys = merge_drugs(dictionary({}, facts), combined, {})
    assert keys["acetaminophen and lamivudine"] == "lamivudine/paracetamol"


def test_merge_drugs_files_an_entry_under_its_curated_name() -> None:
    wheel = dictionary(
        {"aspirin": "aspirin", "ecotrin": "aspirin"},
        {"aspirin": {**MEDICINE, "name": "Aspirin", "smiles": f"{ASPIRIN}.CCCN"}},
        brands=frozenset({"ecotrin"}),
    )
    curated = (ours("acetylsalicylic acid", "C9H8O4", names=("aspirin", "аспирин")),)
    drugs, keys = merge_drugs(wheel, curated, {})
    assert set(drugs) == {"acetylsalicylic acid"}
    row = drugs["acetylsalicylic acid"]
    assert (row.smiles, row.source, row.check) == (ASPIRIN, SOURCE, "formula")
    names = {each.name: each for each in merge_names(wheel, curated, keys, frozenset())}
    assert names["ecotrin"].drug == "acetylsalicylic acid"
    assert (names["ecotrin"].kind, names["ecotrin"].source) == ("brand", SOURCE)
    assert (names["aspirin"].kind, names["aspirin"].source) == ("synonym", "curated")
    assert (names["аспирин"].lang, names["aspirin"].lang) == ("ru", "en")


def test_merge_drugs_prefers_the_curated_molecule() -> None:
    facts = {"ibuprofen": {**MEDICINE, "smiles": "CCOc1ccc(NC(C)=O)cc1"}}
    curated = (ours("ibuprofen", "C13H18O2", "CC(C)Cc1ccc(cc1)C(C)C(=O)O"),)
    drugs, _ = merge_drugs(dictionary({}, facts), curated, {})
    assert drugs["ibuprofen"].smiles == "CC(C)Cc1ccc(C(C)C(=O)O)cc1"
    assert drugs["ibuprofen"].source == "curated"


@pytest.mark.parametrize(
    ("drug", "message"),
    [
        (ours("x", "C9H8O4", "CCO"), "a.tsv:2: expected SMILES of C9H8O4, got CCO (C2H6O)"),
        (ours("x", "C2H6O", "CCO.Cl"), "a.tsv:2: expected SMILES of C2H6O, got CCO.Cl"),
        (ours("x", "C9H8O4"), "a.tsv:2: expected a molecule of C9H8O4 for x"),
    ],
)
def test_merge_drugs_refuses_a_curated_molecule_of_another_formula(
    drug: CuratedDrug, message: str
) -> None:
    facts = {"x": {**MEDICINE, "smiles": "CCN"}}
    with pytest.raises(DataError) as refusal:
        merge_drugs(dictionary({}, facts), (drug,), {})
    assert message in str(refusal.value)


def test_merge_drugs_leaves_refused_molecules_out() -> None:
    facts = {name: {**MEDICINE, "smiles": "CCO"} for name in ("right", "wrong")}
    drugs, _ = merge_drugs(dictionary({}, facts), (), {"wrong": "another one stands there"})
    assert (drugs["right"].smiles, drugs["right"].formula) == ("CCO", "C2H6O")
    assert drugs["wrong"].smiles is None
    assert drugs["wrong"].check == "refused: another one stands there"


def test_merge_names_gives_a_curated_name_to_its_own_drug() -> None:
    wheel = dictionary(
        {"sultopride": "amisulpride", "generics": "amisulpride", "solian": "amisulpride"},
        {"amisulpride": MEDICINE},
    )
    curated = (ours("sultopride", slang=("sulto",)), ours("amisulpride"))
    names = merged_names(wheel, curated, frozenset({"generics"}))
    assert names == {
        "sultopride": "sultopride",
        "sulto": "sultopride",
        "amisulpride": "amisulpride",
        "solian": "amisulpride",
    }


def test_merge_names_keeps_a_common_word_that_is_curated() -> None:
    curated = (ours("zaleplon", brands=("Sonata",)),)
    names = merged_names(dictionary({}, {}), curated, frozenset({"sonata"}))
    assert names["sonata"] == "zaleplon"


@pytest.mark.parametrize(
    ("name", "writable"),
    [
        ("effexor xr", True),
        ("vitamin b12", True),
        ("st. john's wort", True),
        ("hydrochloride, amiloride", False),
        ("b-12", False),
        ("zetia", True),
        ("deet", False),
        ("1,3,7-trimethyl-2,6-dioxopurine", False),
        ("a " * 26, False),
    ],
)
def test_is_writable_knows_what_people_write(name: str, writable: bool) -> None:
    assert is_writable(name) is writable


def test_base_of_salt_takes_the_words_at_the_end_alone() -> None:
    assert base_of_salt("sertraline hydrochloride") == "sertraline"
    assert base_of_salt("calcium folinate") == "calcium folinate"
    assert base_of_salt("sodium chloride") == "sodium chloride"
    assert base_of_salt("iron sulfate") == "iron sulfate"
