"""Labels and ids as the tasks spell them."""

from __future__ import annotations

import pytest

from smm4h_core.corpora.shapes import format_label, group_of, parse_label


@pytest.mark.parametrize(
    ("cell", "label"),
    [("ADE", True), ("NoADE", False), ("noade", False), ("1", True), ("0", False), ("ADR", True)],
)
def test_parse_label_takes_every_task_spelling(cell: str, label: bool) -> None:
    assert parse_label(cell) is label


@pytest.mark.parametrize("cell", ["", "-", "2", "yes", "ADE NoADE"])
def test_parse_label_answers_none_to_anything_else(cell: str) -> None:
    assert parse_label(cell) is None


def test_format_label_follows_the_task() -> None:
    assert [format_label(True, "1a"), format_label(False, "1b")] == ["ADE", "NoADE"]
    assert [format_label(True, "2"), format_label(False, "2")] == ["1", "0"]


@pytest.mark.parametrize(
    ("post_id", "group"),
    [
        ("psytar-lexapro.1-2", "psytar-lexapro.1"),
        ("ade2-10048291-p1", "ade2-10048291"),
        ("rudrec-2660532-0", "rudrec-2660532"),
    ],
)
def test_group_of_drops_the_sentence_of_a_document(post_id: str, group: str) -> None:
    assert group_of(post_id) == group


@pytest.mark.parametrize(
    "post_id",
    [
        "332317478170546176",
        "post-17",
        "2020-01-15",
        "tweet-en-3",
        "0f8e-4a1b-9c3d-1",
        "a-1-two",
        "",
    ],
)
def test_group_of_leaves_any_other_id_alone(post_id: str) -> None:
    assert group_of(post_id) == post_id
