from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.errors import DataError
from smm4h_core.extract.dictionary import (
    TermMatcher,
    build_term_matcher,
    load_ade_terms,
    read_terms,
)
from smm4h_core.extract.tags import read_tags
from smm4h_core.extract.words import find_words
from smm4h_core.link.terminology import Term, build_terminology, save_terminology

TERMS = ["weight gain", "gain", "dry mouth", "St. John's headache", "головная боль", "рвота", "ed"]


def found(text: str, matcher: TermMatcher) -> list[str]:
    words = find_words(text)
    spans = read_tags(matcher.match(text, words))
    return [text[words[first][0] : words[last - 1][1]] for first, last in spans]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Some WEIGHT   gain, no gains", ["WEIGHT   gain", "gains"]),
        ("weight-gains", ["weight-gains"]),
        ("weight, gain", ["gain"]),  # a comma parts terms
        ("#weightgain #drymouth", ["weightgain", "drymouth"]),
        ("dry skin and a dry mouth", ["dry mouth"]),
        ("st. john’s headaches", ["st. john’s headaches"]),
        ("мучили Головные боли, рвоты", ["Головные боли", "рвоты"]),
        ("dry\u200b mou\u00adth", ["dry\u200b mou\u00adth"]),
        ("ed, again", []),
        ("", []),
    ],
)
def test_match_finds_the_longest_terms_whatever_their_form(text: str, expected: list[str]) -> None:
    assert found(text, build_term_matcher(TERMS)) == expected


@given(st.lists(st.sampled_from(["weight", "gain", "dry", "mouth", "x", "боль"]), max_size=8))
def test_match_equals_a_plain_search(tokens: list[str]) -> None:
    terms = {("weight", "gain"), ("gain",), ("dry", "mouth", "x"), ("dry",), ("боль",)}
    expected, at = [], 0
    while at < len(tokens):
        ends = [
            at + n
            for n in (3, 2, 1)
            if at + n <= len(tokens) and tuple(tokens[at : at + n]) in terms
        ]
        if ends:
            expected.append((at, ends[0]))
        at = ends[0] if ends else at + 1
    text = " ".join(tokens)
    matcher = build_term_matcher(map(" ".join, terms))
    assert read_tags(matcher.match(text, find_words(text))) == expected


def test_match_does_not_depend_on_the_order_of_terms() -> None:
    first, second = build_term_matcher(TERMS), build_term_matcher(TERMS[::-1])
    assert (first.keys, first.longest) == (second.keys, second.longest)


@pytest.mark.parametrize(("lang", "at_least"), [("en", 600), ("ru", 400)])
def test_ade_terms_are_many_and_all_findable(lang, at_least: int) -> None:
    terms = load_ade_terms(lang)
    assert len(terms) >= at_least
    matcher = build_term_matcher(terms)
    assert [term for term in sorted(terms) if found(term, matcher) != [term]] == []


def test_ade_terms_are_found_in_a_post() -> None:
    matcher = build_term_matcher(load_ade_terms("en") | load_ade_terms("ru"))
    assert found("terrible Headaches, can't sleep, gained weight!", matcher) == [
        "Headaches",
        "can't sleep",
        "gained weight",
    ]
    assert found("была сильная тошнота и кружилась голова", matcher) == [
        "сильная тошнота",
        "кружилась голова",
    ]


def test_read_terms_reads_lists_and_tables(tmp_path: Path) -> None:
    plain, table = tmp_path / "mine.txt", tmp_path / "terms.tsv"
    plain.write_text("# ours\nDry  Mouth\n\nзуд # itch\n", encoding="utf-8")
    table.write_text("concept_id\tterm\nC1\tDry Mouth\nC2\tItch\n", encoding="utf-8")
    assert read_terms(plain) == {"dry mouth", "зуд"}
    assert read_terms(table) == {"Dry Mouth", "Itch"}


def test_read_terms_reads_a_terminology_but_not_its_withdrawn_terms(tmp_path: Path) -> None:
    terms = [
        Term("C1", "Dry mouth", "preferred", "en"),
        Term("C1", "Xerostomia", "synonym", "en"),
        Term("C1", "Mouth dryness NOS", "llt", "en", current=False),
    ]
    save_terminology(build_terminology("ours", "1", terms), tmp_path / "ours.parquet")
    assert read_terms(tmp_path / "ours.parquet") == {"Dry mouth", "Xerostomia"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", None, "got no such file"),
        ("hp.obo", b"name: headache\n", "hp.obo: expected a .txt of a term a line, .* got .obo"),
        ("a.parquet", b"PAR", "a.parquet: expected a terminology's table"),
        ("a.txt", b"# nothing\n", "expected terms, got none"),
        ("a.txt", b"\xff\xfe", "expected UTF-8, got byte 0xff"),
        ("a.tsv", b"id\tname\n1\tx\n", "a.tsv:1: expected a column term, got id, name"),
    ],
)
def test_read_terms_refuses_what_is_no_list(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_terms(tmp_path / name)
