"""ADE-Corpus-V2's two files: pairs by sentence, and sentences without any."""

from __future__ import annotations

from pathlib import Path

import pytest

from smm4h_core.corpora.ade_corpus import NEGATIVES, RELATIONS, is_ade_corpus, read_ade_corpus
from smm4h_core.corpora.problems import Problem
from smm4h_core.errors import DataError
from smm4h_core.types import Post

RASH = "A rash, then another rash after vymyslin and hives."
PAIRS = f"""\
11|{RASH}|rash|121|125|vymyslin|132|140
11|{RASH}|hives|145|150|vymyslin|132|140
12|Dizzy on vymyslin.|Dizzy|0|5|vymyslin|9|17
"""
NONE = f"11 NEG Nothing else was found.\n11 NEG {RASH}\n\n13 NEG He had NEG results.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / RELATIONS).write_text(PAIRS, encoding="utf-8")
    (tmp_path / NEGATIVES).write_text(NONE, encoding="utf-8")
    return tmp_path


def test_sentences_come_once_with_all_their_effects(folder: Path) -> None:
    assert is_ade_corpus(folder)
    original = read_ade_corpus(folder)
    assert original.unit == "sentence"
    first, second, third, fourth = original.posts
    # Offsets are the abstract's: the second "rash" stands eleven before its drug, the first 30.
    assert [(m.span.start, m.text) for m in first.mentions] == [(21, "rash"), (45, "hives")]
    assert (first.post, first.group, first.label) == (Post("ade-11-1", RASH, "en"), "ade-11", True)
    assert [each.post.post_id for each in original.posts[1:]] == [
        "ade-12-1",
        "ade-11-2",
        "ade-13-1",
    ]
    assert [each.label for each in (second, third, fourth)] == [True, False, False]
    assert fourth.post.text == "He had NEG results."


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        (RELATIONS, "1|a|b|c\n", f"{RELATIONS}:1: expected pmid|sentence|effect"),
        (RELATIONS, "1|a b|a|x|1|b|2|3\n", f"{RELATIONS}:1: expected pmid|sentence|effect"),
        (RELATIONS, "1|a b|a|0|1|c|2|3\n", f"{RELATIONS}:1: expected 'a' and 'c' in its sentence"),
        (NEGATIVES, "no number\n", f"{NEGATIVES}:1: expected pmid NEG sentence, got 'no number'"),
    ],
)
def test_broken_lines_are_refused_or_told(folder: Path, name: str, line: str, says: str) -> None:
    path = folder / name
    path.write_text(line + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(DataError) as refused:
        read_ade_corpus(folder)
    assert says in str(refused.value)
    told: list[Problem] = []
    assert len(read_ade_corpus(folder, told.append).posts) == 4
    assert len(told) == 1


def test_other_folders_have_another_shape(folder: Path) -> None:
    (folder / NEGATIVES).unlink()
    assert not is_ade_corpus(folder)
