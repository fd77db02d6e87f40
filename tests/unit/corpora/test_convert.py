"""Originals become SMM4H folders: split by document, the same bytes again, nothing lost unsaid."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from smm4h_core.corpora.check import check
from smm4h_core.corpora.convert import PARTS, convert
from smm4h_core.corpora.original import Unit
from smm4h_core.corpora.smm4h import read_annotated
from smm4h_core.errors import ConfigError, DataError

WORDS = ("amber", "birch", "cedar", "delta", "ember", "flint", "grove", "haven", "inlet", "opal")


def _digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def reviews(write_cadec) -> Path:
    """Twelve documents of two sentences; each has a drug, a mention in parts and one in one."""
    folder = Path()
    for number in range(12):
        word = WORDS[number % 10] + "x" * (number // 10)
        text = f"Took {word}.\nPain in {word} arms and legs."
        start = text.index("Pain")
        arms, legs = text.index("arms"), text.index("legs")
        folder = write_cadec(
            f"NO-PAIN.{number}",
            text,
            original=[
                f"T1~Drug 5 {5 + len(word)}~{word}",
                f"T2~ADR {start} {arms + 4}~Pain in {word} arms",
                f"T3~ADR {start} {start + 4};{legs} {legs + 4}~Pain legs",
                f"T4~Finding {arms} {arms + 4}~arms",
                f"T5~ADR {arms} 999~arms",
            ],
            meddra=[f"TT2~10033371 {start} {arms + 4}~Pain"],
        )
    return folder


def test_convert_writes_a_corpus_that_the_check_finds_sound(reviews: Path, tmp_path: Path) -> None:
    done = convert(reviews, tmp_path / "out")
    assert done.unit == "document"
    assert [(name, part.posts) for name, part in done.parts.items()] == [
        *(("train", 8), ("dev", 2), ("test", 2)),
    ]
    assert sum(part.spans for part in done.parts.values()) == 12
    assert sum(part.fragments for part in done.parts.values()) == 12
    assert sum(part.concepts for part in done.parts.values()) == 12
    assert done.dropped == {"Finding": 12, "DRUG": 12}
    assert (done.repeats, done.empty, done.flattened) == (0, 0, 12)
    assert {problem.code for problem in done.problems} == {"offset-outside"}
    assert check(tmp_path / "out") == []


def test_convert_keeps_every_offset_true(reviews: Path, tmp_path: Path) -> None:
    for unit in ("sentence", "document"):
        convert(reviews, tmp_path / unit, unit=unit)
        posts = [p for part in PARTS for p in read_annotated(tmp_path / unit / part, "1b")]
        texts = {
            " ".join(post.post.text[part.start : part.end] for part in mention.parts)
            for post in posts
            for mention in post.mentions
        }
        assert "Pain legs" in texts
        assert {text.split()[0] for text in texts} == {"Pain"}
        assert len({post.group for post in posts}) == 12


def test_convert_never_parts_a_document(reviews: Path, tmp_path: Path) -> None:
    convert(reviews, tmp_path / "out", unit="sentence", seed=3)
    groups = [{p.group for p in read_annotated(tmp_path / "out" / part, "1a")} for part in PARTS]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 12


def test_convert_gives_equal_bytes_for_a_seed_and_others_for_another(
    reviews: Path, tmp_path: Path
) -> None:
    for name, seed in (("one", 1), ("again", 1), ("two", 2)):
        convert(reviews, tmp_path / name, seed=seed)
    assert _digest(tmp_path / "one") == _digest(tmp_path / "again")
    assert _digest(tmp_path / "one") != _digest(tmp_path / "two")


def test_convert_leaves_out_repeats_and_empty_posts(write_rudrec, tmp_path: Path) -> None:
    texts = ["НЕ помогло!", "не помогло", "  "]
    texts += [f"{word} стоит дорого" for word in WORDS]
    records = [
        {"file_name": f"{number}.tsv", "sentence_id": 0, "text": text, "entities": []}
        for number, text in enumerate(texts)
    ]
    done = convert(write_rudrec(records), tmp_path / "out", test=0.3, dev=0.3)
    assert (done.repeats, done.empty) == (1, 1)
    assert sum(part.posts for part in done.parts.values()) == 11


def test_convert_keeps_near_duplicates_in_one_part(write_rudrec, tmp_path: Path) -> None:
    long = "этот сироп помог от боли и кашля очень быстро спасибо врачу за совет"
    texts = [f"{long} {word}" for word in WORDS[:4]] + [*WORDS]
    records = [
        {"file_name": f"{number}.tsv", "sentence_id": 0, "text": text, "entities": []}
        for number, text in enumerate(texts)
    ]
    done = convert(write_rudrec(records), tmp_path / "out")
    assert done.near_duplicates == 4
    held = [
        sum(
            post.post.text.startswith(long) for post in read_annotated(tmp_path / "out" / part, "2")
        )
        for part in PARTS
    ]
    assert sorted(held) == [0, 0, 4]


def test_convert_writes_no_labels_where_the_corpus_has_none(tmp_path: Path) -> None:
    rows = [f"{number}\trash\t\t271807003\ta {word} rash" for number, word in enumerate(WORDS)]
    header = "ID\tTerm\tGeneral SNOMED ID\tSpecific SNOMED ID\tExample"
    (tmp_path / "train.csv").write_text("\n".join([header, *rows]))
    convert(tmp_path / "train.csv", tmp_path / "out")
    assert not list((tmp_path / "out").rglob("class.tsv"))
    assert len(list((tmp_path / "out").rglob("spans_norm.tsv"))) == 3


def test_convert_fills_an_empty_folder_even_the_current_one(
    reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    convert(reviews, Path())
    assert sorted(path.name for path in Path().iterdir()) == sorted(PARTS)
    assert not list(tmp_path.glob("*.partial"))


def test_convert_leaves_nothing_behind_when_it_refuses(reviews: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DataError, match="expected a new or empty folder, got one that holds data"):
        convert(reviews, tmp_path / "full")
    for dev, test in ((0, 0.2), (0.5, 0.5), (0.2, -0.1)):
        with pytest.raises(ConfigError, match="expected dev and test above 0"):
            convert(reviews, tmp_path / "out", dev=dev, test=test)
    (reviews / "text" / "LONE.1.txt").touch()
    with pytest.raises(DataError, match=r"LONE\.1\.ann:0: expected the annotation"):
        convert(reviews, tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("unit", ["document", "sentence"])
def test_convert_keeps_a_document_positive_whose_adr_is_lost(
    write_cadec, tmp_path: Path, unit: Unit
) -> None:
    folder = Path()
    for number, word in enumerate(WORDS):
        line = "T1~ADR 900 903~sad" if number == 4 else "T1~Drug 0 4~Took"
        text = f"Took {word} {number * 71}. Then {word} {number * 37}."
        folder = write_cadec(f"A.{number}", text, original=[line], meddra=[])
    convert(folder, tmp_path / "out", unit=unit)
    posts = [post for part in PARTS for post in read_annotated(tmp_path / "out" / part, "1b")]
    (positive,) = [post for post in posts if post.label]
    assert positive.post.post_id == "cadec-A.4"
    assert len(posts) == (10 if unit == "document" else 19)


def test_convert_refuses_a_negative_seed(reviews: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="seed: expected 0 or more, got -1"):
        convert(reviews, tmp_path / "out", seed=-1)


def test_convert_joins_sentences_that_lie_apart_in_the_file(write_rudrec, tmp_path: Path) -> None:
    records = [
        {
            "file_name": f"{review}.tsv",
            "sentence_id": number,
            "text": f"{WORDS[review]} {number}.",
            "entities": [],
        }
        for number in (10, 9, 2)
        for review in range(5)
    ]
    convert(write_rudrec(records), tmp_path / "out", unit="document")
    posts = [post for part in PARTS for post in read_annotated(tmp_path / "out" / part, "1b")]
    texts = {post.post.post_id: post.post.text for post in posts}
    assert texts == {
        f"rudrec-{n}": " ".join(f"{WORDS[n]} {i}." for i in (2, 9, 10)) for n in range(5)
    }
