import pytest

from smm4h_core.errors import DataError
from smm4h_core.tables.rows import find_columns, in_chunks


def test_find_columns_prefers_post_id_and_text_in_any_case() -> None:
    columns = find_columns(["id", "Post_ID", "tweet", "TEXT", "Lang"], "f:1")

    assert (columns.post_id, columns.text, columns.lang) == ("Post_ID", "TEXT", "Lang")


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["tweet"], r"f:1: expected a column post_id or tweet_id or id, got tweet"),
        (["id", "body"], r"f:1: expected a column text or tweet, got id, body"),
        (["id", "text", "id"], r"f:1: expected each column once, got 'id' twice"),
        ([], "got none"),
    ],
)
def test_find_columns_refuses_missing_and_doubled_columns(names: list[str], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        find_columns(names, "f:1")


@pytest.mark.parametrize("post_id", [1.5e18, float("nan"), True, None, "", "  ", ["1"]], ids=repr)
def test_read_refuses_an_id_that_is_no_text_and_no_whole_number(post_id: object) -> None:
    columns = find_columns(["id", "text"], "f:1")

    with pytest.raises(DataError, match=r"f:7: expected id as text or a whole number"):
        columns.read({"id": post_id, "text": "slept"}, "f:7", None)


def test_read_keeps_every_digit_of_a_whole_number() -> None:
    columns = find_columns(["id", "text"], "f:1")

    row = columns.read({"id": 2**63 + 1, "text": "slept"}, "f:2", None)

    assert row.post.post_id == "9223372036854775809"


def test_read_takes_the_stated_language_before_the_one_given() -> None:
    columns = find_columns(["id", "text", "lang"], "f:1")

    langs = [
        columns.read({"id": "1", "text": "", "lang": stated}, "f:2", "en").post.lang
        for stated in ("ru", "", None)
    ]

    assert langs == ["ru", "en", "en"]


def test_read_refuses_an_unknown_language_and_a_missing_text() -> None:
    columns = find_columns(["id", "text", "lang"], "f:1")

    with pytest.raises(DataError, match="f:2: expected lang en, ru or none, got 'de'"):
        columns.read({"id": "1", "text": "x", "lang": "de"}, "f:2", None)
    with pytest.raises(DataError, match="f:2: expected text as text, got nothing"):
        columns.read({"id": "1", "text": None, "lang": "en"}, "f:2", None)


def test_in_chunks_keeps_the_order_and_the_rest() -> None:
    assert list(in_chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(in_chunks([], 2)) == []
