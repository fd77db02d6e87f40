from pathlib import Path

import pytest

from smm4h_core.errors import DataError
from smm4h_core.link.source import read_terminology
from smm4h_core.link.term_table import read_term_table
from smm4h_core.link.terminology import Term


def read(folder: Path, text: str) -> list[Term]:
    path = folder / "terms.tsv"
    path.write_text(text, encoding="utf-8")
    return list(read_term_table(path))


def test_term_table_makes_the_first_term_preferred_unless_one_says_so(tmp_path: Path) -> None:
    terms = read(
        tmp_path,
        "concept_id\tterm\tkind\tcurrent\n"
        "C1\tsick\t\t\nC1\tтошнит\tlay\t\nC2\told\t\tN\nC2\tHeadache\tpreferred\t\n",
    )
    assert terms == [
        Term("C1", "sick", "preferred", "en"),
        Term("C1", "тошнит", "lay", "ru"),
        Term("C2", "old", "synonym", "en", current=False),
        Term("C2", "Headache", "preferred", "en"),
    ]


def test_term_table_reads_the_columns_of_open_corpora(tmp_path: Path) -> None:
    terms = read(tmp_path, "concept_id\tterm\tsource\nC1\tache\thpo\n")
    assert terms == [Term("C1", "ache", "preferred", "en")]


def test_term_table_knows_a_concept_by_its_code_without_spaces(tmp_path: Path) -> None:
    terms = read(tmp_path, "concept_id\tterm\nC1\tache\n C1\tpain\n")
    assert [(each.concept_id, each.kind) for each in terms] == [
        ("C1", "preferred"),
        ("C1", "synonym"),
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "terms.tsv: expected terms, got none"),
        ("C1\t \t\t\t\n", "terms.tsv:2: expected a term, got an empty cell"),
        ("\tx\t\t\t\n", "terms.tsv:2: expected a concept_id, got an empty cell"),
        ("C1\tx\tsyn\t\t\n", "terms.tsv:2: expected kind preferred, synonym"),
        ("C1\tx\t\tde\t\n", "terms.tsv:2: expected lang en, ru or none, got 'de'"),
        ("C1\tx\t\t\tno\n", "terms.tsv:2: expected current Y, N or none, got 'no'"),
        (
            "C1\tx\tpreferred\t\t\nC1\ty\tpreferred\t\t\n",
            "terms.tsv:3: expected one preferred term of C1, got another on line 2",
        ),
    ],
)
def test_term_table_refuses_bad_rows_by_line(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, f"concept_id\tterm\tkind\tlang\tcurrent\n{rows}")


def test_source_wants_a_version_where_the_file_states_none(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text("concept_id\tterm\nC1\tache\n", encoding="utf-8")
    with pytest.raises(DataError, match="states no version; give it with --version"):
        read_terminology(str(path), name="mine")
    assert read_terminology(str(path), name="mine", version="3").label == "mine@3"


def test_source_refuses_lay_terms_for_another_terminology(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text("concept_id\tterm\nC1\tache\n", encoding="utf-8")
    with pytest.raises(DataError, match="expected terms of its concepts"):
        read_terminology(str(path), name="mine", version="3", lay_terms=True)


def test_source_refuses_other_forms(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a MedDRA ASCII folder"):
        read_terminology(str(tmp_path))
