"""Styled characters set into lines: how wide they are on a terminal, and where lines break."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

_RESET = "\x1b[0m"


class Cell(NamedTuple):
    """A character and how it is shown."""

    char: str
    """One code point, printable."""
    style: str = ""
    """Parameters of the terminal's SGR command (``1;31``); empty for none."""
    keeps: bool = False
    """Whether a line never breaks here, space or not."""


def in_style(text: str, style: str = "", *, keeps: bool = False) -> list[Cell]:
    """The characters of a text, all of one style."""
    return [Cell(char, style, keeps) for char in text]


def width_of(char: str) -> int:
    """Columns that a code point takes; of what only joins or changes its neighbours none."""
    if char.isascii():
        return 1
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def wrap_cells(cells: Sequence[Cell], width: int | None) -> list[list[Cell]]:
    """Lines of at most ``width`` columns, broken at spaces; a longer word is broken anywhere.

    Args:
        cells: Characters, line ends among them.
        width: Columns; None breaks at line ends alone.
    """
    lines: list[list[Cell]] = []
    whole: list[list[Cell]] = [[]]
    for cell in cells:
        if cell.char == "\n":
            whole.append([])
        else:
            whole[-1].append(cell)
    if not whole[-1]:
        whole.pop()
    for line in whole:
        lines += _wrap_line(line, width) if width and line else [line]
    return lines


def _wrap_line(cells: Sequence[Cell], width: int) -> Iterator[list[Cell]]:
    start = 0
    while start < len(cells):
        used = 0
        end, space = start, None
        while end < len(cells) and used + width_of(cells[end].char) <= width:
            used += width_of(cells[end].char)
            if cells[end].char == " " and not cells[end].keeps and end > start:
                space = end
            end += 1
        if end == len(cells):
            yield list(cells[start:])
            return
        if cells[end].char == " " and not cells[end].keeps:
            space = end
        if space is not None:
            yield list(cells[start:space])
            start = space + 1
        else:
            end = max(end, start + 1)
            yield list(cells[start:end])
            start = end


def render_cells(cells: Iterable[Cell], *, colour: bool) -> str:
    """One line; without colour the characters alone."""
    if not colour:
        return "".join(cell.char for cell in cells)
    pieces = []
    for style, group in groupby(cells, key=lambda cell: cell.style):
        text = "".join(cell.char for cell in group)
        pieces.append(f"\x1b[{style}m{text}{_RESET}" if style else text)
    return "".join(pieces)
