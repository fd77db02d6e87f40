"""A configuration may name a public original: it is told by its shape."""

from __future__ import annotations

from pathlib import Path

import pytest

from smm4h_core.corpora.source import count_left_out, read_source
from smm4h_core.errors import DataError


def test_read_source_gives_each_task_what_its_files_would(write_cadec, tmp_path: Path) -> None:
    write_cadec(
        "A.1",
        "Zolanex: pain, sad",
        original=["T1~Drug 0 7~Zolanex", "T2~ADR 9 13~pain", "T3~ADR 15 18~sad"],
        meddra=["TT2~10033371 9 13~pain"],
    )
    read = {task: read_source("cadec", task, "ru", tmp_path)[0] for task in ("1a", "1b", "1c")}
    assert [post.label for post in read.values()] == [True, True, True]
    assert [[m.text for m in post.mentions] for post in read.values()] == [
        [],
        ["pain", "sad"],
        ["pain"],
    ]
    assert read["1a"].post.lang == "en"


def test_read_source_refuses_labels_of_a_corpus_of_spans(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(
        "ID\tTerm\tGeneral SNOMED ID\tSpecific SNOMED ID\tExample\n1\trash\t1\t1\ta rash\n"
    )
    assert len(read_source("train.csv", "1b", "en", tmp_path)[0].mentions) == 1
    with pytest.raises(DataError, match="expected labels for task 1a, got a corpus of spans only"):
        read_source("train.csv", "1a", "en", tmp_path)


TYPES = {"ADR": "ADE", "WD": "ADE", "SSI": None}


def write_typed(folder: Path, *rows: str) -> None:
    """A split of one post whose spans carry labels as PsyTAR's own files do."""
    folder.mkdir()
    (folder / "tweets.tsv").write_text("tweet_id\ttweet\n1\tsad, shaky and sleepless\n")
    (folder / "class.tsv").write_text("tweet_id\tlabel\n1\tADE\n")
    lines = ["tweet_id\tlabel\tstart\tend\tspan", *rows]
    (folder / "spans.tsv").write_text("\n".join(lines) + "\n")


def test_read_source_maps_types_and_leaves_out_what_is_null(tmp_path: Path) -> None:
    split = tmp_path / "typed"
    write_typed(split, "1\tADR\t0\t3\tsad", "1\tWD\t5\t10\tshaky", "1\tSSI\t15\t24\tsleepless")
    (split / "fragments.tsv").write_text(
        "tweet_id\tlabel\tfragments\tspan\n1\tWD\t0-3;15-24\tsad sleepless\n1\tSSI\t0-3;5-10\tx\n"
    )
    (post,) = read_source("typed", "1b", "en", tmp_path, types=TYPES)
    assert [(m.text, m.type) for m in post.mentions] == [
        ("sad", "ADE"),
        ("sad sleepless", "ADE"),
        ("shaky", "ADE"),
    ]
    assert count_left_out("typed", "en", tmp_path, TYPES) == 2
    with pytest.raises(DataError, match=r"spans.tsv:3: expected the label ADE.*got 'WD'"):
        read_source("typed", "1b", "en", tmp_path)


def test_read_source_maps_types_of_one_file_of_texts_and_spans(tmp_path: Path) -> None:
    (tmp_path / "all.tsv").write_text(
        "tweet_id\ttweet\tlabel\tstart\tend\tspan\n"
        "1\tsad, shaky\tWD\t0\t3\tsad\n1\tsad, shaky\tSSI\t5\t10\tshaky\n"
        "2\tshaky\tSSI\t0\t5\tshaky\n3\tfine\tNoADE\t\t\t\n"
    )
    posts = read_source("all.tsv", "1b", "en", tmp_path, types=TYPES)
    assert [(post.label, [m.text for m in post.mentions]) for post in posts] == [
        (True, ["sad"]),
        (False, []),
        (False, []),
    ]


def test_read_source_refuses_types_that_are_not_named(tmp_path: Path) -> None:
    write_typed(tmp_path / "typed", "1\tADR\t0\t3\tsad", "1\tDI\t5\t10\tshaky")
    with pytest.raises(
        DataError,
        match=r"spans.tsv:3: expected one of the types \['ADR', 'SSI', 'WD'\], got 'DI'; "
        r"this file has \['ADR', 'DI'\]",
    ):
        read_source("typed", "1b", "en", tmp_path, types=TYPES)
    with pytest.raises(DataError, match="got 'ADR'; this file has"):
        read_source("typed", "1b", "en", tmp_path, types={"adr": "ADE", "DI": None})


def test_read_source_refuses_a_negative_span_whatever_the_types(tmp_path: Path) -> None:
    write_typed(tmp_path / "typed", "1\tNoADE\t0\t3\tsad")
    with pytest.raises(DataError, match=r"spans.tsv:2: expected ADE for a span, got 'NoADE'"):
        read_source("typed", "1b", "en", tmp_path, types=TYPES)


def test_read_source_refuses_types_of_what_has_its_own_reader(write_cadec, tmp_path: Path) -> None:
    write_cadec("A.1", "Zolanex: pain", original=["T1~ADR 9 13~pain"])
    for name in ("cadec", "sample:en/train"):
        with pytest.raises(DataError, match=f"{name}: expected no types"):
            read_source(name, "1b", "en", tmp_path, types=TYPES)
