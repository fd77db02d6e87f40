import pytest

from smm4h_core.errors import DataError
from smm4h_core.evaluation.linking import links_of, score_links
from smm4h_core.link.candidates import rank_scored
from smm4h_core.types import Link


def answer(*concepts: str) -> Link:
    """A link to the first concept, the others behind it."""
    scored = [(each, each, 1.0 - n / 10) for n, each in enumerate(concepts)]
    return links_of([rank_scored(scored, "similarity")])[0]


def test_score_links_counts_ranks() -> None:
    links = [answer("A", "B"), answer("B", "A"), answer("C", "D", "E", "F", "G", "A"), answer("X")]
    scores = score_links(["A"] * 4, links, seen=["A"]).all
    assert (scores.acc_1, scores.acc_5, scores.n) == (0.25, 0.5, 4)
    assert scores.mrr == pytest.approx((1 + 1 / 2 + 1 / 6) / 4)
    assert scores.acc_1_interval is not None
    assert scores.acc_1_interval.low <= 0.25 <= scores.acc_1_interval.high


def test_score_links_parts_seen_from_unseen_concepts() -> None:
    scores = score_links(["A", "B", "B"], [answer("A"), answer("A"), answer("B")], seen=["A", "Z"])
    assert (scores.seen.acc_1, scores.seen.n) == (1.0, 1)
    assert (scores.unseen.acc_1, scores.unseen.n) == (0.5, 2)
    assert (scores.nil.n, scores.nil.acc_1_interval) == (0, None)


def test_score_links_compares_llts_by_their_pt() -> None:
    pts = {"L1": "P1", "L2": "P1", "P1": "P1", "P2": "P2"}
    links = [answer("L2"), answer("P2", "L1", "P1")]
    scores = score_links(["L1", "P1"], links, seen=["L2"], concept_of_code=pts)
    assert (scores.all.acc_1, scores.all.acc_5, scores.all.mrr) == (0.5, 1.0, 0.75)
    assert scores.unseen.n == 0


def test_score_links_wants_nil_where_there_is_no_concept() -> None:
    nil = Link(None, None, "nil", 0.0, answer("A").candidates)
    scores = score_links([None, None, "A"], [nil, answer("A"), nil], seen=["A"])
    assert (scores.nil.acc_1, scores.nil.n) == (0.5, 2)
    assert (scores.seen.acc_1, scores.seen.acc_5, scores.seen.answered) == (0.0, 1.0, 0.0)


def test_score_links_draws_groups_as_a_whole() -> None:
    gold, links = ["A"] * 40, [answer("A")] * 20 + [answer("B")] * 20
    groups = ["right"] * 20 + ["wrong"] * 20
    apart = score_links(gold, links, seen=[]).all.acc_1_interval
    together = score_links(gold, links, seen=[], groups=groups).all.acc_1_interval
    assert apart is not None
    assert together is not None
    assert (together.low, together.high) == (0.0, 1.0)
    assert apart.low > 0.2


def test_score_links_refuses_what_does_not_fit() -> None:
    with pytest.raises(DataError, match="expected one for each of 1 mentions, got 2"):
        score_links(["A"], [answer("A")] * 2, seen=[])
    with pytest.raises(DataError, match="expected codes of the terminology, got 'Q'"):
        score_links(["Q"], [answer("A")], seen=[], concept_of_code={"A": "A"})
