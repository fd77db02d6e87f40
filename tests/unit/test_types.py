import pytest

from smm4h_core.types import Mention, Span


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
