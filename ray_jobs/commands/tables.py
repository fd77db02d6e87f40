"""Tables for people, on standard output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ray_jobs.console import results

if TYPE_CHECKING:
    from rich.text import Text

PIPED_WIDTH = 1000
"""Columns where nobody's window bounds the table: a log or a pipe must not lose a cell's end."""


def print_table(
    rows: Iterable[Sequence[str | Text]],
    *,
    headings: Sequence[str] = (),
    title: str = "",
    num_left: int = 1,
) -> None:
    """Print rows of plain text; brackets in them are brackets, not markup.

    Args:
        rows: A cell for each column.
        headings: Column names; without them the table has no frame either.
        title: A line above.
        num_left: Columns that are set to the left; those after them hold numbers.
    """
    from rich.box import ROUNDED
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(title) if title else None,
        title_justify="left",
        show_header=bool(headings),
        box=ROUNDED if headings else None,
        pad_edge=bool(headings),
    )
    cells = [[Text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    for column in range(len(headings) or max(map(len, cells), default=0)):
        table.add_column(
            Text(headings[column]) if headings else "",
            justify="left" if column < num_left else "right",
            overflow="fold",
        )
    for row in cells:
        table.add_row(*row)
    out = results()
    if not out.is_terminal:
        out.width = PIPED_WIDTH
    out.print(table)
