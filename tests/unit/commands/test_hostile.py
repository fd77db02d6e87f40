"""The commands on what breaks programs: answered or refused by its place, never a traceback."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from smm4h_core.packaged import STARTER
from tests.unit.hostile import HOSTILE, MEGABYTE, NOT_JSON, WRONG_TYPES


def assert_quotes(report: dict[str, Any], text: str) -> int:
    found = [*report["drugs"], *(report["mentions"] or ())]
    for each in found:
        assert text[each["start"] : each["end"]] == each["text"]
    return len(found)


def test_predict_answers_hostile_texts_and_quotes_them(smm4h, tmp_path: Path) -> None:
    texts = (*HOSTILE, MEGABYTE[:15_000])
    path = tmp_path / "posts.jsonl"
    path.write_text("".join(json.dumps({"id": n, "text": t}) + "\n" for n, t in enumerate(texts)))
    out = tmp_path / "answers.jsonl"
    ended = smm4h("predict", STARTER, path, out, "--extract-all")
    assert ended.code == 0, ended.err
    assert ended.err.startswith(f"{len(texts)} posts, ")
    rows = [json.loads(line) for line in out.read_text().split("\n")[:-1]]
    assert [row["text"] for row in rows] == list(texts)
    streamed = smm4h("predict", STARTER, path, "-", "--extract-all")
    reports = [json.loads(line) for line in streamed.out.splitlines()]
    found = [assert_quotes(report, text) for report, text in zip(reports, texts, strict=True)]
    assert found[-1] > 1000
    assert [row["mentions"] for row in rows] == [report["mentions"] for report in reports]


def test_extract_shows_hostile_texts_without_their_controls(smm4h, tmp_path: Path) -> None:
    texts = [text for text in HOSTILE if text.strip() and "\x00" not in text]
    page = tmp_path / "page.html"
    ended = smm4h("extract", *texts, "--extract-all", "--html", page)
    assert ended.code == 0, ended.err
    assert "\x1b" not in ended.out
    assert "\u202e" not in ended.out
    assert page.read_text(encoding="utf-8").count("<article") == len(texts)


def test_extract_of_a_stream_takes_any_bytes_or_says_where(smm4h) -> None:
    lines = [text.replace("\n", " ").encode("utf-8", "replace") for text in HOSTILE if text.strip()]
    ended = smm4h("extract", "-", "--json", "--extract-all", stdin=b"\n".join(lines))
    assert ended.code == 0, ended.err
    reports = [json.loads(line) for line in ended.out.splitlines()]
    for report, line in zip(reports, lines, strict=True):
        assert_quotes(report, line.decode().removesuffix("\r"))
    ended = smm4h("extract", "-", "--json", stdin=b"fine\n\xff\xfe\n")
    assert (ended.code, ended.out) == (1, "")
    assert "standard input:2: expected UTF-8" in ended.err


@pytest.mark.parametrize("rows", [NOT_JSON[1:], WRONG_TYPES])
def test_predict_keeps_rows_that_are_no_posts_and_answers_the_rest(
    smm4h, tiny_bundle: Path, tmp_path: Path, rows: tuple[str, ...]
) -> None:
    good = '{"id": 8, "text": "slept", "other": {"deep": [1, null]}}'
    doubled = '{"id": 9, "text": "a", "text": "the last one counts"}'
    path, errors = tmp_path / "posts.jsonl", tmp_path / "errors"
    path.write_text("\n".join((good, *rows, "", doubled)), encoding="utf-8")
    refused = smm4h("predict", tiny_bundle, path, "-")
    assert (refused.code, refused.out) == (1, "")
    assert "posts.jsonl:2: expected" in refused.err
    assert "Traceback" not in refused.err
    ended = smm4h(
        "predict", tiny_bundle, path, tmp_path / "out.jsonl", "--errors", errors, "--json"
    )
    assert ended.code == 0, ended.err
    summary = json.loads(ended.out)
    assert (summary["posts"], summary["unreadable"]) == (2, len(rows))
    answered = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["text"] for row in answered] == ["slept", "the last one counts"]
    before = csv.field_size_limit(200_000)
    try:
        with (errors / "rows.csv").open(newline="", encoding="utf-8") as stream:
            told = list(csv.DictReader(stream))
    finally:
        csv.field_size_limit(before)
    assert [row["place"] for row in told] == [f"{path}:{n + 2}" for n in range(len(rows))]
    assert [row["row"] for row in told] == list(rows)
    assert all("expected" in row["reason"] for row in told)


def test_predict_of_a_stream_keeps_lines_that_are_no_text(
    smm4h, tiny_bundle: Path, tmp_path: Path
) -> None:
    errors = tmp_path / "errors"
    ended = smm4h(
        *("predict", tiny_bundle, "-", "-", "--errors", errors), stdin=b"slept\n\xff\r\nfine\n"
    )
    assert ended.code == 0, ended.err
    assert [json.loads(line)["post_id"] for line in ended.out.splitlines()] == ["1", "3"]
    assert ended.err.startswith("2 posts, 1 unreadable")
    with (errors / "rows.csv").open(newline="", encoding="utf-8") as stream:
        ((place, reason, row),) = list(csv.reader(stream))[1:]
    assert (place, row) == ("standard input:2", "\\udcff")
    assert "expected UTF-8, got byte 0xff" in reason
