import pytest

from smm4h_core.types import DrugMention, DrugTie, FoundMention, Mention, Pair, Report, Span


def test_mention_without_fragments_has_one_part() -> None:
    mention = Mention(Span(3, 9), "nausea")
    assert mention.fragments == ()
    assert mention.parts == (Span(3, 9),)


def test_mention_keeps_the_fragments_of_a_discontinuous_one() -> None:
    parts = (Span(9, 19), Span(25, 30))
    mention = Mention(Span(9, 30), "joint pain ankle", fragments=parts)
    assert mention.parts == mention.fragments == parts


def test_mention_of_one_fragment_equals_the_contiguous_one() -> None:
    assert Mention(Span(3, 9), "x", fragments=(Span(3, 9),)) == Mention(Span(3, 9), "x")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([(5, 9), (0, 2)], "in order and apart"),
        ([(0, 5), (4, 9)], "in order and apart"),
        ([(0, 2), (5, 8)], "from 0 to 9, as the span says, got 0 to 8"),
        ([(1, 9)], "got 1 to 9"),
    ],
)
def test_mention_refuses_fragments_that_do_not_fit(
    parts: list[tuple[int, int]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Mention(Span(0, 9), "x", fragments=tuple(Span(*part) for part in parts))


def test_pairs_are_one_for_each_drug_of_each_mention() -> None:
    ties = [
        DrugTie(DrugMention(Span(n, n + 1), "x", name, None), 0.9) for n, name in enumerate("ab")
    ]
    both = FoundMention(Mention(Span(3, 9), "nausea"), 0.5, 1, 1, drugs=tuple(ties))
    none = FoundMention(Mention(Span(12, 16), "rash"), 0.5, 1, 1)
    report = Report("1", "en", None, (), "b@1", (both, none))
    assert report.pairs() == (Pair(ties[0], both), Pair(ties[1], both), Pair(None, none))
    assert Report("1", "en", None, (), "b@1").pairs() == ()
