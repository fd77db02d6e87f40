"""What a benchmark found: a table for people, numbers for machines, verdicts on its targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.reach import TARGETS, Verdict
from smm4h_core.errors import Smm4hError


class BenchmarkError(Smm4hError):
    """Something that a benchmark needs is missing; the message holds the command that makes it."""


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark's outcome."""

    title: str
    """A line above the table."""
    headings: tuple[str, ...]
    """Column names."""
    rows: tuple[tuple[str, ...], ...]
    """Cells as they are printed."""
    data: Mapping[str, Any]
    """The same and more as plain values, for JSON."""
    notes: tuple[str, ...] = ()
    """What a reader must know to read the table rightly."""
    missing: tuple[str, ...] = ()
    """What could not be measured for want of something, and the command that makes it."""
    verdicts: tuple[Verdict, ...] = ()
    """Targets that this benchmark measures."""


def print_section(section: Section) -> None:
    """Print the title, the table, the notes and what is missing as Markdown."""
    print(f"\n### {section.title}\n")
    print(markdown_table(section.headings, section.rows))
    for line in (*section.notes, *section.missing):
        print(f"\n{line}")


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an aligned Markdown table: the first column to the left, the others to the right."""
    cells = [[cell.replace("|", r"\|") for cell in row] for row in (headings, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [
        [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in (cells[0], rule, *cells[1:])
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """Return all targets with what was measured of them, as a Markdown table."""
    measured = {verdict.name for verdict in verdicts}
    rows = [
        (
            verdict.target.meaning,
            f"{verdict.target.sense} {verdict.target.value:g}",
            f"{verdict.measured:.3g}",
            "yes" if verdict.reached else "no",
        )
        for verdict in verdicts
    ]
    rows += [
        (target.meaning, f"{target.sense} {target.value:g}", "not measured", "")
        for name, target in TARGETS.items()
        if name not in measured
    ]
    return markdown_table(("reach", "target", "measured", "reached"), rows)


def with_interval(value: float, interval: Sequence[float]) -> str:
    """Return ``0.812 [0.780, 0.841]``."""
    low, high = interval
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"
