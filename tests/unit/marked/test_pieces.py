import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.marked.pieces import Piece, cut_pieces
from smm4h_core.types import Span

SPANS = st.tuples(st.integers(0, 18), st.integers(1, 5)).map(lambda p: Span(p[0], p[0] + p[1]))


@given(st.lists(st.lists(SPANS, max_size=4), max_size=4))
def test_cut_pieces_says_of_every_place_which_groups_hold_there(groups: list[list[Span]]) -> None:
    length = 25
    pieces = cut_pieces(length, groups)
    assert [piece.end for piece in pieces[:-1]] == [piece.start for piece in pieces[1:]]
    assert (pieces[0].start, pieces[-1].end) == (0, length)
    for piece in pieces:
        for place in range(piece.start, piece.end):
            at = Span(place, place + 1)
            holds = tuple(n for n, g in enumerate(groups) if any(s.overlaps(at) for s in g))
            assert holds == piece.inside


def test_cut_pieces_of_nothing() -> None:
    assert cut_pieces(0, []) == []
    assert cut_pieces(3, [[]]) == [Piece(0, 3, ())]


def test_cut_pieces_refuses_a_span_of_another_text() -> None:
    with pytest.raises(ValueError, match="beyond a text of 3 code points"):
        cut_pieces(3, [[Span(1, 4)]])
