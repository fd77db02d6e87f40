"""A text cut where spans begin and end, so that what overlaps can be shown side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from smm4h_core.types import Span


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch in which the same spans hold from end to end."""

    start: int
    """First code point."""
    end: int
    """One past the last."""
    inside: tuple[int, ...]
    """Groups that have a span there, by their place, ascending; empty where none has."""


def cut_pieces(length: int, groups: Sequence[Iterable[Span]]) -> list[Piece]:
    """The whole text in order; no piece is empty.

    Args:
        length: Code points of the text.
        groups: Spans of each group, in any order; within a group they may overlap.

    Raises:
        ValueError: a span that reaches beyond the text.
    """
    edges = []
    for place, spans in enumerate(groups):
        for span in spans:
            if span.end > length:
                raise ValueError(f"{span} reaches beyond a text of {length} code points")
            edges += [(span.start, 1, place), (span.end, -1, place)]
    depth = [0] * len(groups)
    pieces: list[Piece] = []
    done = 0
    for at, step, place in (*sorted(edges), (length, 0, 0)):
        if at > done:
            inside = tuple(group for group, spans in enumerate(depth) if spans)
            pieces.append(Piece(done, at, inside))
            done = at
        if step:
            depth[place] += step
    return pieces
