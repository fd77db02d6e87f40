import pytest

from smm4h_core.errors import ConfigError, DataError
from smm4h_core.extract.decode import ScoredSpan
from smm4h_core.extract.votes import choose_min_votes, vote_spans
from smm4h_core.types import Span


def said(*spans: tuple[int, int, float]) -> tuple[ScoredSpan, ...]:
    return tuple(ScoredSpan(Span(start, end), prob) for start, end, prob in spans)


MEMBERS = [
    [said((0, 4, 0.9), (6, 9, 0.6)), said()],
    [said((0, 4, 0.7)), said((1, 2, 0.4))],
    [said((0, 5, 0.8), (6, 9, 0.3)), said()],
]


def test_vote_spans_wants_the_very_boundaries_from_enough_members() -> None:
    one, two, three = (vote_spans(MEMBERS, min_votes=n) for n in (1, 2, 3))
    assert three == [(), ()]
    assert [(e.span, e.votes) for e in two[0]] == [(Span(0, 4), 2), (Span(6, 9), 2)]
    assert [e.prob for e in two[0]] == pytest.approx([1.6 / 3, 0.3])
    assert [e.span for e in one[0]] == [Span(0, 4), Span(6, 9)]  # [0, 5) overlaps, with fewer votes
    assert one[1] == (ScoredSpan(Span(1, 2), 0.4 / 3, 1),)


def test_vote_spans_of_one_member_is_that_member() -> None:
    assert vote_spans(MEMBERS[:1], min_votes=1) == MEMBERS[0]


def test_vote_spans_does_not_depend_on_the_members_order() -> None:
    assert vote_spans(MEMBERS, min_votes=2) == vote_spans(MEMBERS[::-1], min_votes=2)


def test_choose_min_votes_takes_the_best_and_of_equals_the_middle() -> None:
    assert choose_min_votes(MEMBERS, lambda posts: sum(map(len, posts))) == 1
    assert choose_min_votes(MEMBERS, lambda posts: -sum(map(len, posts))) == 3
    assert choose_min_votes(MEMBERS, lambda _: 0.0) == 2


@pytest.mark.parametrize("min_votes", [0, 4])
def test_vote_spans_refuses_a_threshold_beyond_the_members(min_votes: int) -> None:
    with pytest.raises(ConfigError, match=f"expected 1 to 3, the members; got {min_votes}"):
        vote_spans(MEMBERS, min_votes=min_votes)


def test_vote_spans_refuses_members_of_other_posts() -> None:
    with pytest.raises(DataError, match=r"got \[2, 1\]"):
        vote_spans([MEMBERS[0], MEMBERS[1][:1]], min_votes=1)
