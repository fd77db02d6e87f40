"""Each public original is told from the others, and read with the concepts asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from smm4h_core.corpora.formats import CONCEPTS, read_original, recognise
from smm4h_core.corpora.problems import Problem, tolerate
from smm4h_core.errors import ConfigError, DataError


def test_recognise_tells_the_formats_apart(
    write_cadec, write_rudrec, write_psytar, tmp_path: Path
) -> None:
    table = tmp_path / "train.csv"
    table.write_text("ID\tTerm\tGeneral SNOMED ID\tSpecific SNOMED ID\tExample\n")
    posts = tmp_path / "tweets.tsv"
    posts.write_text("tweet_id\ttweet\n")
    record = {"file_name": "1.tsv", "text": "", "entities": []}
    both = tmp_path / "ade"
    both.mkdir()
    for name in ("DRUG-AE.rel", "ADE-NEG.txt"):
        (both / name).touch()
    paths = [
        *(write_cadec("A.1", ""), table, write_rudrec([record]), write_psytar([]), both),
        *(posts, tmp_path / "absent"),
    ]
    assert [recognise(path) for path in paths] == [*CONCEPTS, None, None]


def test_read_original_takes_the_concepts_asked_for(write_cadec) -> None:
    folder = write_cadec(
        "A.1",
        "Pain",
        original=["T1~ADR 0 4~Pain"],
        meddra=["TT1~10033371 0 4~Pain"],
        sct=["TT1~22253000 | Pain | 0 4~Pain"],
    )
    for concepts, code in ((None, "10033371"), ("meddra", "10033371"), ("sct", "22253000")):
        (post,) = read_original(folder, "cadec", concepts).posts
        assert post.mentions[0].concept_id == code
    with pytest.raises(ConfigError, match="expected meddra or sct of cadec, got 'umls'"):
        read_original(folder, concepts="umls")


def test_read_original_refuses_another_shape(write_cadec, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected the shape of psytar, got another"):
        read_original(write_cadec("A.1", ""), "psytar")
    with pytest.raises(DataError, match="expected the shape of cadec, cometa, rudrec, psytar"):
        read_original(tmp_path)


def test_tolerate_collects_what_costs_one_annotation_and_refuses_the_rest() -> None:
    problems: list[Problem] = []
    report = tolerate(problems)
    for code in ("offset-outside", "bad-annotation", "unknown-id", "span-mismatch"):
        report(Problem(Path("a"), 1, code, ""))
    report(Problem(Path("a"), 1, "unlocated", "", "note"))
    assert len(problems) == 5
    with pytest.raises(DataError, match="doubled-id"):
        report(Problem(Path("a"), 1, "doubled-id", ""))
