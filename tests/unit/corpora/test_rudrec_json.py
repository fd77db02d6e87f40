"""RuDReC's lines are sentences of reviews, or whole reviews."""

from __future__ import annotations

from pathlib import Path

import pytest

from smm4h_core.corpora.problems import Problem
from smm4h_core.corpora.rudrec_json import is_rudrec, read_rudrec
from smm4h_core.errors import DataError
from smm4h_core.types import Mention, Post, Span

TEXT = "От Вымыслина сын не спал."


def _entity(kind: str, start: int, end: int, **others: object) -> dict[str, object]:
    return {
        "entity_id": "*[1]",
        "entity_text": TEXT[start:end],
        "entity_type": kind,
        "start": start,
        "end": end,
        **others,
    }


def test_read_rudrec_reads_sentences_with_their_review_as_group(write_rudrec) -> None:
    path = write_rudrec(
        [
            {
                "file_name": "17.tsv",
                "sentence_id": 0,
                "text": TEXT,
                "entities": [
                    _entity("ADR", 17, 24, concept_id="C0917801", MedDRA="10022437"),
                    _entity("Drugname", 3, 12, concept_id=float("nan")),
                    _entity("Finding", 13, 16),
                    _entity("DI", 13, 16),
                    _entity("Finding", 13, 16),
                ],
            },
            {"file_name": "17.tsv", "sentence_id": 1, "text": "Всё.", "entities": []},
        ]
    )
    original = read_rudrec(path)
    assert (original.unit, original.dropped) == ("sentence", {"DI": 1, "Finding": 2})
    bad, fine = original.posts
    assert bad.post == Post("rudrec-17-0", TEXT, "ru")
    assert (bad.label, bad.group) == (True, "rudrec-17")
    assert bad.mentions == (
        Mention(Span(3, 12), "Вымыслина", "DRUG"),
        Mention(Span(17, 24), "не спал", "ADE", "C0917801"),
    )
    assert (fine.label, fine.mentions, fine.group) == (False, (), "rudrec-17")
    assert read_rudrec(path, "meddra").posts[0].mentions[1].concept_id == "10022437"


def test_read_rudrec_reads_a_line_without_sentence_id_as_a_review(write_rudrec) -> None:
    path = write_rudrec([{"file_name": "17.tsv", "text": TEXT, "entities": None}])
    original = read_rudrec(path)
    assert original.unit == "document"
    assert original.posts[0].post.post_id == "rudrec-17"


def test_read_rudrec_reports_what_is_wrong_by_line(write_rudrec, found) -> None:
    sentence = {"file_name": "1.tsv", "sentence_id": 0, "text": TEXT}
    path = write_rudrec(
        [
            {**sentence, "entities": [_entity("ADR", 17, 24, entity_text="спал")]},
            {**sentence, "entities": []},
            "not json",
            {"text": TEXT},
            {**sentence, "sentence_id": 2, "entities": "none"},
            {**sentence, "sentence_id": 3, "entities": [_entity("ADR", 17, 99)]},
            {**sentence, "sentence_id": 4, "entities": [{"entity_type": "ADR", "start": "17"}]},
            "",
            {"file_name": "2.tsv", "text": TEXT, "entities": []},
        ]
    )
    problems: list[Problem] = []
    original = read_rudrec(path, report=problems.append)
    assert [(line, code) for _, line, code, _ in found(problems)] == [
        (1, "span-mismatch"),
        (2, "doubled-id"),
        (3, "bad-json"),
        (4, "missing-key"),
        (5, "wrong-type"),
        (6, "offset-outside"),
        (7, "bad-annotation"),
        (9, "mixed-units"),
    ]
    assert [post.post.post_id for post in original.posts] == [
        *("rudrec-1-0", "rudrec-1-3", "rudrec-1-4", "rudrec-2"),
    ]


def test_read_rudrec_refuses_with_the_line(write_rudrec) -> None:
    path = write_rudrec([{"file_name": "1.tsv", "text": TEXT, "entities": []}, "{"])
    with pytest.raises(DataError, match=r"rudrec_annotated\.json:2: expected a JSON object"):
        read_rudrec(path)


def test_is_rudrec_looks_at_the_first_line(write_rudrec, tmp_path: Path) -> None:
    assert is_rudrec(write_rudrec([{"file_name": "1", "text": "", "entities": []}]))
    assert not is_rudrec(write_rudrec([{"text": ""}]))
    assert not is_rudrec(write_rudrec(["[1"]))
    assert not is_rudrec(tmp_path)


@pytest.mark.parametrize("offsets", [{"start": 17, "end": 99}, {"start": "17", "end": 24}, {}])
def test_read_rudrec_never_makes_a_post_negative_whose_adr_is_lost(
    write_rudrec, offsets: dict[str, object]
) -> None:
    lost = {"entity_type": "ADR", "entity_text": "не спал", **offsets}
    path = write_rudrec([{"file_name": "1.tsv", "text": TEXT, "entities": [lost]}])
    (post,) = (original := read_rudrec(path, report=[].append)).posts
    assert (post.label, post.mentions, original.unplaced) == (True, (), {"rudrec-1"})


@pytest.mark.parametrize("entity", [{"entity_type": ["ADR"]}, {"entity_type": {}}, {}, "ADR", None])
def test_read_rudrec_reports_an_entity_whose_type_is_no_string(
    write_rudrec, entity: object
) -> None:
    path = write_rudrec([{"file_name": "1.tsv", "text": TEXT, "entities": [entity]}])
    problems: list[Problem] = []
    assert read_rudrec(path, report=problems.append).dropped == {}
    assert [problem.code for problem in problems] == ["bad-annotation"]


def test_read_rudrec_reports_a_line_that_nests_too_deeply(write_rudrec) -> None:
    deep = "[" * 100_000
    path = write_rudrec([{"file_name": "1.tsv", "text": TEXT, "entities": []}, deep])
    with pytest.raises(DataError, match=r"rudrec_annotated\.json:2: expected a JSON object"):
        read_rudrec(path)
    assert not is_rudrec(write_rudrec([deep]))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_is_rudrec_knows_the_encodings_that_are_read(write_rudrec, encoding: str) -> None:
    path = write_rudrec([{"file_name": "1.tsv", "text": TEXT, "entities": []}])
    path.write_text(path.read_text("utf-8"), encoding)
    assert is_rudrec(path)
    assert read_rudrec(path).posts[0].post.text == TEXT
