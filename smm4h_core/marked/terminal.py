"""A post and its report as lines of a terminal, in colours or in brackets."""

from __future__ import annotations

from collections.abc import Sequence

from smm4h_core.marked.cells import Cell, in_style, render_cells, wrap_cells
from smm4h_core.marked.marks import Mark, crossing, describe_decision, describe_mark, marks_of
from smm4h_core.marked.pieces import cut_pieces
from smm4h_core.marked.printable import make_printable
from smm4h_core.types import Post, Report

# Black on a light ground reads on dark and on light terminals alike.
_GROUND = {"ADE": "30;48;5;222", "DRUG": "30;48;5;153"}
_BY_OTHERS = "30;48;5;252"
"""Of a mention in a context: negated, feared, another's. It is no effect of the drug."""
_INDENT = "  "
_TAB = "    "


def format_marked(post: Post, report: Report, *, colour: bool, width: int | None = None) -> str:
    """Three kinds of lines: who answered what, the post with its marks, and what each mark is.

    Without colour, marks stand in brackets that end with type and number: ``[sleep 14 hours ADE
    2]``. Of a mark in parts each has its label, with ``…`` on the side where the rest is. Brackets
    that cross another mark's begin with their own number as well.

    Args:
        post: The post.
        report: Its report.
        colour: Whether to write the terminal's commands for colours; nothing else ever writes one.
        width: Columns to wrap at; None leaves lines as the post has them.

    Returns:
        Lines, each ended; printable but for the colours.

    Raises:
        ValueError: the report is of another post.
    """
    marks = marks_of(post, report)
    head = [report.post_id, *([report.lang] if report.lang else []), report.bundle]
    decision = describe_decision(report)
    first = f"{_in_one_line(', '.join(head))}{': ' if decision else ''}"
    lines = wrap_cells([*in_style(first, "2"), *in_style(decision, "1")], width)
    lines += wrap_cells(_mark_cells(post, marks, colour=colour), width)
    for mark in marks:
        told = in_style(f"{mark.type} {mark.number}", _style(mark))
        told += in_style(f"{_INDENT}{_in_one_line(describe_mark(mark))}")
        inner = wrap_cells(told, width and max(width - len(_INDENT), 1))
        lines += [[*in_style(_INDENT), *line] for line in inner]
    return "".join(f"{render_cells(line, colour=colour)}\n" for line in lines)


def _mark_cells(post: Post, marks: Sequence[Mark], *, colour: bool) -> list[Cell]:
    text = make_printable(post.text)
    crossed = crossing(marks)
    cells: list[Cell] = []
    open_marks: list[Mark] = []
    for piece in cut_pieces(len(text), [mark.parts for mark in marks]):
        begun = [
            (-part.end, marks[place])
            for place in piece.inside
            for part in marks[place].parts
            if part.start == piece.start
        ]
        for _, mark in sorted(begun, key=lambda each: each[0]):
            opening = f"{mark.number} " if mark.number in crossed else ""
            bracket = "" if colour else "["
            cells += in_style(f"{bracket}{opening}", _style(mark, label=True), keeps=True)
            open_marks.append(mark)
        style = _style(open_marks[-1]) if open_marks else ""
        if len(open_marks) > 1:
            style += ";4"  # underlined: more than one mark holds here
        cells += in_style(text[piece.start : piece.end].replace("\t", _TAB), style)
        for mark in reversed(open_marks):
            if any(part.end == piece.end for part in mark.parts):
                closing = f" {mark.label_of(piece.end)}{'' if colour else ']'}"
                cells += in_style(closing, _style(mark, label=True), keeps=True)
        open_marks = [m for m in open_marks if all(part.end != piece.end for part in m.parts)]
    return cells


def _style(mark: Mark, *, label: bool = False) -> str:
    ground = _BY_OTHERS if mark.context else _GROUND[mark.type]
    return f"1;{ground}" if label else ground


def _in_one_line(text: str) -> str:
    return " ".join(make_printable(text).split())
