import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.errors import DataError
from smm4h_core.link.candidates import MAX_MENTION, merge_by_rank, rank_scored, read_mention


def test_rank_scored_keeps_a_concept_once_by_its_best_term() -> None:
    ranked = rank_scored([("C2", "b", 0.5), ("C1", "a", 0.4), ("C1", "aa", 0.9)], "ngram")
    assert [(each.concept_id, each.term, each.rank) for each in ranked] == [
        ("C1", "aa", 1),
        ("C2", "b", 2),
    ]


@given(st.permutations([("C3", "x", 1.0), ("C1", "y", 1.0), ("C1", "a", 1.0), ("C2", "z", 1.0)]))
def test_rank_scored_breaks_ties_by_concept_whatever_the_order(scored) -> None:
    ranked = rank_scored(scored, "exact")
    assert [(each.concept_id, each.term) for each in ranked] == [
        ("C1", "a"),
        ("C2", "z"),
        ("C3", "x"),
    ]


def test_merge_by_rank_sums_reciprocals_and_keeps_what_found_each() -> None:
    one = rank_scored([("A", "a", 3.0), ("B", "b", 2.0)], "exact")
    two = rank_scored([("B", "bb", 9.0), ("C", "c", 8.0)], "ngram")

    merged = merge_by_rank([one, two], num_candidates=3)

    assert [each.concept_id for each in merged] == ["B", "A", "C"]
    assert merged[0].score == pytest.approx(1 / 62 + 1 / 61)
    assert (merged[0].source, merged[0].term) == ("ngram", "bb")
    assert merged[0].found_by == (one[1], two[0])
    assert [each.rank for each in merged] == [1, 2, 3]


def test_merge_by_rank_weighs_lists() -> None:
    one = rank_scored([("A", "a", 1.0)], "exact")
    two = rank_scored([("B", "b", 1.0)], "ngram")
    assert merge_by_rank([one, two], num_candidates=1, weights=[1, 2])[0].concept_id == "B"
    assert merge_by_rank([one, two], num_candidates=1, weights=[2, 1])[0].concept_id == "A"
    with pytest.raises(DataError, match="weights: expected 2, one a list, got 1"):
        merge_by_rank([one, two], num_candidates=1, weights=[1])


@pytest.mark.parametrize("empty", ["", "  ", "\n\t", "\u00a0"])
def test_read_mention_finds_nothing_in_blanks(empty: str) -> None:
    assert read_mention(empty) == ""


def test_read_mention_takes_no_more_than_a_mention_can_be() -> None:
    assert read_mention("ouch  my\nhead") == "ouch my head"
    assert read_mention(" " * 4000 + "headache") == "headache"
    assert read_mention("a" * MAX_MENTION) == "a" * MAX_MENTION
    assert read_mention("a" * (MAX_MENTION + 1)) == read_mention("pain " * 2000) == ""


def test_read_mention_holds_nothing_that_a_table_of_terms_cannot() -> None:
    assert read_mention("no\ud83d sleep") == "no\ufffd sleep"
    assert read_mention("tired \U0001f62b").encode() == "tired 😫".encode()
