"""A configuration may name a public original: it is told by its shape."""

from __future__ import annotations

from pathlib import Path

import pytest

from smm4h_core.corpora.source import read_source
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
