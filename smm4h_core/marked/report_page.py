"""Posts and their reports as articles of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from smm4h_core.marked.marks import Mark, describe_decision, marks_of, name_modifier
from smm4h_core.marked.page import (
    CLOSE_ARTICLE,
    CLOSE_PAGE,
    escape_text,
    format_table,
    open_article,
    open_page,
    open_text,
)
from smm4h_core.marked.pieces import Piece, cut_pieces
from smm4h_core.types import Post, Report

REPORT_STYLE = """
mark { color: inherit; padding: .1rem 0; border-bottom: 2px solid transparent; }
mark.ade { background: var(--ade); } mark.drug { background: var(--drug); }
mark.aside { background: var(--aside); } mark.several { border-bottom-color: currentColor; }
sup a { font-size: .7rem; font-weight: 600; text-decoration: none; padding: 0 .15rem; }
p.answer { font-weight: 600; } p.by { color: var(--faint); font-size: 13px; }
"""
_HEADINGS = ("mark", "words", "meaning", "said of", "prob", "votes", "context")


def format_report_page(answered: Iterable[tuple[Post, Report]], *, title: str) -> Iterator[str]:
    """The page piece by piece, in constant memory.

    Args:
        answered: Posts with their reports, in the page's order.
        title: What was read.

    Raises:
        ValueError: a report that is of another post.
    """
    yield open_page(title, REPORT_STYLE)
    for place, (post, report) in enumerate(answered, start=1):
        yield format_article(post, report, place=place)
    yield CLOSE_PAGE


def format_article(post: Post, report: Report, *, place: int = 1) -> str:
    """One post: its decision, its words with their marks, and a row for each mark.

    Colour is never alone in saying a thing: each mark has its label, a link to its row.

    Args:
        post: The post.
        report: Its report.
        place: Its place in the page, from 1; no two articles of a page share it.

    Raises:
        ValueError: the report is of another post.
    """
    marks = marks_of(post, report)
    decision = describe_decision(report)
    table = format_table(_HEADINGS, [_row(mark, place) for mark in marks]) if marks else ""
    return (
        open_article(report.post_id, place)
        + (f'<p class="answer">{decision}</p>\n' if decision else "")
        + f"{open_text(report.lang)}{_marked(post.text, marks, place)}</p>\n{table}"
        + f'<p class="by">{escape_text(report.bundle)}</p>\n{CLOSE_ARTICLE}'
    )


def _marked(text: str, marks: Sequence[Mark], place: int) -> str:
    return "".join(
        _piece(text, piece, [marks[n] for n in piece.inside], place)
        for piece in cut_pieces(len(text), [mark.parts for mark in marks])
    )


def _piece(text: str, piece: Piece, marks: Sequence[Mark], place: int) -> str:
    quoted = escape_text(text[piece.start : piece.end])
    if not marks:
        return quoted
    # The shortest is what the reader means by "this"; those about it show by their own labels.
    inmost = min(marks, key=lambda mark: mark.parts[-1].end - mark.parts[0].start)
    kind = "aside" if inmost.context else inmost.type.lower()
    several = " several" if len(marks) > 1 else ""
    labels = "".join(
        f'<sup><a href="#{_row_id(mark, place)}">{escape_text(mark.label_of(piece.end))}</a></sup>'
        for mark in reversed(marks)
        if any(part.end == piece.end for part in mark.parts)
    )
    return f'<mark class="{kind}{several}">{quoted}{labels}</mark>'


def _row(mark: Mark, place: int) -> str:
    cells = [
        mark.words,
        mark.meaning,
        " and ".join(mark.said_of),
        "" if mark.prob is None else f"{mark.prob:.2f}",
        "" if mark.votes is None else f"{mark.votes[0]} of {mark.votes[1]}",
        ", ".join(map(name_modifier, mark.context)),
    ]
    told = "".join(f"<td>{escape_text(cell)}</td>" for cell in cells)
    name = f'<th scope="row">{mark.type} {mark.number}</th>'
    return f'<tr id="{_row_id(mark, place)}">{name}{told}</tr>\n'


def _row_id(mark: Mark, place: int) -> str:
    return f"p{place}m{mark.number}"
