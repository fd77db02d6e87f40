"""CADEC is read from its four folders, odd lines included."""

from __future__ import annotations

from pathlib import Path

import pytest

from smm4h_core.corpora.cadec import is_cadec, read_cadec
from smm4h_core.corpora.problems import Problem
from smm4h_core.errors import DataError
from smm4h_core.types import Mention, Post, Span

TEXT = "Took Zolanex.\nPain in arms and legs, so sleepy"
ORIGINAL = [
    "T1~Drug 5 12~Zolanex",
    "T2~ADR 14 26~Pain in arms",
    "#1~AnnotatorNotes T2~check",
    "T3~ADR 14 21;31 35~Pain in legs",
    "T4~Finding 40 46~sleepy",
    "T5~ADR 40 46~sleepy",
]


def test_read_cadec_reads_documents_with_their_mentions(write_cadec) -> None:
    folder = write_cadec(
        "NO-PAIN.7",
        TEXT + "\n",
        original=ORIGINAL,
        meddra=["TT2~10033425 14 26~Pain in arms", "TT5~CONCEPT_LESS 40 46~sleepy"],
        sct=[
            "TT2~102556003 | Arm pain | 14 26~Pain in arms",
            "TT3~10601006|Leg pain 14 21;31 35~Pain in legs",
        ],
    )
    write_cadec("ZOLANEX.1", "All well", meddra=[], sct=[])
    original = read_cadec(folder)
    sore, well = original.posts
    assert (original.unit, original.dropped) == ("document", {"Finding": 1})
    assert sore.post == Post("cadec-NO_PAIN.7", TEXT, "en")
    assert (sore.label, sore.group) == (True, "cadec-NO_PAIN.7")
    assert sore.mentions[:2] == (
        Mention(Span(5, 12), "Zolanex", "DRUG"),
        Mention(Span(14, 26), "Pain in arms", concept_id="10033425"),
    )
    assert sore.mentions[2:] == (
        Mention(Span(14, 35), "Pain in legs", fragments=(Span(14, 21), Span(31, 35))),
        Mention(Span(40, 46), "sleepy"),
    )
    assert (well.label, well.mentions) == (False, ())
    with_snomed = {m.text: m.concept_id for m in read_cadec(folder, "sct").posts[0].mentions}
    assert with_snomed["Pain in arms"] == "102556003"
    assert with_snomed["Pain in legs"] == "10601006"


@pytest.mark.parametrize(
    "line",
    [
        "TT1~10033425 + 10041349 0 4~Pain",
        "TT1~10033425/10041349 0 4~Pain",
        "TT1~10033425 or 10041349 0 4~Pain",
        "TT1    10033425 + 10041349 0 4    Pain",
    ],
)
def test_read_cadec_keeps_the_first_of_several_codes_and_says_so(write_cadec, line: str) -> None:
    folder = write_cadec("A.1", "Pain", original=["T1~ADR 0 4~Pain"], meddra=[line])
    problems: list[Problem] = []
    (post,) = read_cadec(folder, report=problems.append).posts
    assert post.mentions[0].concept_id == "10033425"
    assert [problem.code for problem in problems] == ["several-concepts"]


def test_read_cadec_reports_what_is_wrong_by_file_and_line(write_cadec, found) -> None:
    folder = write_cadec(
        "A.1",
        "So sad and tired",
        original=[
            "T1~ADR 3 6~Sad",
            "T2~ADR 3 7~sad",
            "T3~ADR 11 20~tired",
            "T4~ADR 16 11~tired",
            "T5~ADR~tired",
            "T6~ADR 3 7~sad",
            "R1~Cause Arg1:T1 Arg2:T2~",
            "",
        ],
        meddra=["TT1~sad 3 6~Sad", "TT9~10033425 3 6~sad"],
    )
    (folder / "original" / "B.1.ann").touch()
    (folder / "text" / "C.1.txt").touch()
    problems: list[Problem] = []
    read_cadec(folder, report=problems.append)
    assert found(sorted(problems)) == [
        ("A.1.ann", 1, "bad-annotation", "error"),
        ("A.1.ann", 0, "unknown-id", "error"),
        ("A.1.ann", 1, "span-case", "note"),
        ("A.1.ann", 3, "offset-outside", "error"),
        ("A.1.ann", 4, "offset-outside", "error"),
        ("A.1.ann", 5, "bad-annotation", "error"),
        ("A.1.ann", 6, "doubled-span", "note"),
        ("A.1.ann", 7, "bad-annotation", "error"),
        ("B.1.ann", 0, "annotation-without-text", "error"),
        ("C.1.ann", 0, "text-without-annotation", "error"),
    ]


def test_read_cadec_trusts_offsets_over_quotations(write_cadec) -> None:
    folder = write_cadec("A.1", "so sleepy", original=["T1~ADR 3 9~slept"], meddra=[])
    problems: list[Problem] = []
    (post,) = read_cadec(folder, report=problems.append).posts
    assert post.mentions == (Mention(Span(3, 9), "slept"),)
    assert [(problem.code, problem.line) for problem in problems] == [("span-mismatch", 1)]
    assert read_cadec(folder).posts == (post,)


def test_read_cadec_reads_windows_files_with_the_offsets_of_unix_files(write_cadec) -> None:
    text = "\ufeffIt\u2019s bad.\r\nPain".encode()
    folder = write_cadec("A.1", text, original=["T1~ADR 10 14~Pain"], meddra=[])
    (post,) = read_cadec(folder).posts
    assert post.post.text == "It\u2019s bad.\nPain"
    assert post.mentions[0].text == "Pain"


def test_read_cadec_refuses_a_text_without_annotation(write_cadec) -> None:
    folder = write_cadec("A.1", "Pain")
    (folder / "original" / "A.1.ann").unlink()
    with pytest.raises(DataError, match=r"A\.1\.ann:0: expected the annotation of text/A\.1\.txt"):
        read_cadec(folder)


def test_is_cadec_knows_the_folders(write_cadec, tmp_path: Path) -> None:
    assert is_cadec(write_cadec("A.1", "Pain"))
    assert not is_cadec(tmp_path)


@pytest.mark.parametrize("line", ["T1~ADR 3 99~sleepy", "T1~ADR~sleepy", "T1 ADR 3 x sleepy"])
def test_read_cadec_never_makes_a_post_negative_whose_adr_is_lost(write_cadec, line: str) -> None:
    folder = write_cadec("A.1", "so sleepy", original=[line], meddra=[])
    write_cadec("B.1", "T1 ADR", original=["T1~Drug 0 99~x", "T2~Finding 0 99~x"], meddra=[])
    lost, drug = (original := read_cadec(folder, report=[].append)).posts
    assert (lost.label, lost.mentions, drug.label) == (True, (), False)
    assert original.unplaced == {"cadec-A.1"}


def test_read_cadec_passes_over_what_macos_leaves_beside_files(write_cadec) -> None:
    folder = write_cadec("A.1", "well", meddra=[])
    (folder / "text" / "._A.1.txt").write_bytes(b"\x00\x05\x16\x07")
    (folder / "original" / "._A.1.ann").write_bytes(b"\x00\x05\x16\x07")
    (folder / "original" / "._B.1.ann").write_bytes(b"\x00\x05\x16\x07")
    assert [post.post.post_id for post in read_cadec(folder).posts] == ["cadec-A.1"]


def test_read_cadec_names_both_files_whose_ids_would_be_one(write_cadec) -> None:
    write_cadec("A-1", "bad", meddra=[])
    folder = write_cadec("A_1", "sad", meddra=[])
    with pytest.raises(DataError, match=r"text/A-1\.txt:0: .*got text/A_1\.txt too"):
        read_cadec(folder)
