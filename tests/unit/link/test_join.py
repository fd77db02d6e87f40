import pytest

from smm4h_core.link.candidates import rank_scored
from smm4h_core.link.join import join_candidates


def test_joined_candidates_stand_by_the_mean_of_their_scores() -> None:
    first = rank_scored([("A", "a", 0.6), ("B", "b", 0.4)], "classifier")
    second = rank_scored([("B", "b too", 0.9), ("C", "c", 0.1)], "classifier")
    joined = join_candidates("classifier", [first, second], num_candidates=2)
    assert [(each.concept_id, each.term, each.rank) for each in joined] == [
        ("B", "b too", 1),
        ("A", "a", 2),
    ]
    assert [each.score for each in joined] == pytest.approx([0.65, 0.3])


def test_joined_distances_take_a_member_s_farthest_for_what_it_does_not_propose() -> None:
    first = rank_scored([("A", "a", -0.2), ("B", "b", -0.8)], "similarity")
    second = rank_scored([("B", "b", -0.5), ("C", "c", -0.6)], "similarity")
    joined = join_candidates("similarity", [first, second], num_candidates=9)
    assert {each.concept_id: each.score for each in joined} == pytest.approx(
        {"A": -0.4, "B": -0.65, "C": -0.7}
    )


def test_one_member_s_candidates_stay_as_they_are() -> None:
    only = rank_scored([("A", "a", 0.6), ("B", "b", 0.4)], "classifier")
    assert join_candidates("classifier", [only], num_candidates=9) == only
    assert join_candidates("classifier", [only], num_candidates=1) == only[:1]
    assert join_candidates("similarity", [(), ()], num_candidates=9) == ()
