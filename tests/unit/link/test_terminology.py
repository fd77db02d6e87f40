from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smm4h_core.errors import DataError
from smm4h_core.link.terminology import (
    Term,
    Terminology,
    add_terms,
    build_terminology,
    load_terminology,
    mention_terms,
    save_terminology,
)

ONE = Term("C1", "Headache", "preferred", "en")


def test_terminology_is_read_back_as_it_was_written(tmp_path: Path, synthetic: Terminology) -> None:
    save_terminology(synthetic, tmp_path / "terms.parquet")

    again = load_terminology(tmp_path / "terms.parquet")

    assert again.label == synthetic.label
    assert again.terms == synthetic.terms
    assert again.concepts == synthetic.concepts


def test_terminology_has_the_same_bytes_whatever_order_its_terms_came_in(
    tmp_path: Path, effects: Terminology
) -> None:
    turned = build_terminology(effects.name, effects.version, effects.terms[::-1])
    for name, each in (("a", effects), ("b", turned)):
        save_terminology(each, tmp_path / f"{name}.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_terminology_never_proposes_what_was_withdrawn(effects: Terminology) -> None:
    assert "C5" in effects.concepts
    assert {each.concept_id for each in effects.proposed_terms} == {"C1", "C2", "C3", "C4"}


def test_terminology_keeps_a_repeated_term_once(effects: Terminology) -> None:
    repeated = add_terms(effects, [Term("C1", "Headache", "lay", "en")])
    assert repeated.terms == effects.terms


def test_terminology_refuses_a_concept_that_it_lacks(effects: Terminology) -> None:
    with pytest.raises(DataError, match="effects@1: expected a code that it has, got 'C9'"):
        effects.concept("C9")
    with pytest.raises(DataError, match="expected terms of its concepts, got 'ouch' of 'C9'"):
        add_terms(effects, mention_terms([("ouch", "C9")]))


def test_mention_terms_tell_the_language_and_leave_out_empty_ones() -> None:
    terms = mention_terms([(" head hurts ", "C1"), ("  ", "C1"), ("мутит", "C2")])
    assert [(each.term, each.lang) for each in terms] == [("head hurts", "en"), ("мутит", "ru")]


def test_mention_terms_are_of_the_concept_that_annotators_use_most() -> None:
    given = [("Head hurts", "C2"), ("head hurts", "C1"), ("HEAD  hurts", "C1"), ("ouch", "C9")]
    assert [(each.term, each.concept_id) for each in mention_terms([*given, ("ouch", "C3")])] == [
        ("Head hurts", "C1"),
        ("ouch", "C3"),  # as often the one as the other: the first id
    ]


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ([], "expected terms, got none"),
        ([Term("C1", " ", "preferred", "en")], "expected a term and a concept"),
        ([Term("C1", "x", "lay", "en")], "expected a preferred term of C1, got none"),
        ([ONE, Term("C1", "x", "preferred", "en")], "expected one preferred term of C1"),
        ([Term("C1", "x", "preferred", "en", ("C7",))], "C1 has 'C7'"),
    ],
)
def test_build_terminology_refuses_what_makes_none(terms: list[Term], message: str) -> None:
    with pytest.raises(DataError, match=message):
        build_terminology("x", "1", terms)


def test_build_terminology_wants_a_name_and_a_version() -> None:
    with pytest.raises(DataError, match="name and version, got 'x', ' '"):
        build_terminology("x", " ", [ONE])


def test_load_terminology_refuses_other_files(tmp_path: Path) -> None:
    text, table = tmp_path / "a.parquet", tmp_path / "b.parquet"
    text.write_text("x", encoding="utf-8")
    pq.write_table(pa.table({"term": ["x"]}), table)
    with pytest.raises(DataError, match=r"a\.parquet: expected a terminology in Parquet"):
        load_terminology(text)
    with pytest.raises(DataError, match=r"b\.parquet: expected a terminology of schema 1"):
        load_terminology(table)
