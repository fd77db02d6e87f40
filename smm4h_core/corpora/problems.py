"""What can be wrong with a corpus, by file and line; refused at once or collected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from smm4h_core.errors import DataError

Severity = Literal["error", "note"]

# Annotators quote loosely, and the task's organisers tell readers to trust the offsets.
READ_ON = frozenset({"span-mismatch"})
LEFT_OUT = frozenset({"bad-annotation", "offset-outside", "unknown-id"})
"""Errors in a public original that cost one annotation and leave the rest sound."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong, or worth knowing, in one line of one file."""

    path: Path
    """The file, as the caller named it."""
    line: int
    """Line in the file, counted from 1; 0 where the problem is the file's as a whole."""
    code: str
    """Kind of problem, such as ``doubled-id``; stable, for filters and counts."""
    message: str
    """What was expected and what came; holds ids and offsets, never a whole post."""
    severity: Severity = "error"
    """``error``: the corpus must be mended. ``note``: it can be read, and somebody should look."""

    def __str__(self) -> str:
        """``file:line: message [code]``."""
        return f"{self.path}:{self.line}: {self.message} [{self.code}]"


Report = Callable[[Problem], None]
"""Takes each problem as it is met: ``refuse`` stops at the first, ``list.append`` collects."""


def refuse(problem: Problem) -> None:
    """Stop at an error; let notes pass, and spans whose quotation differs from their offsets.

    Raises:
        DataError: the problem is an error; the message holds file and line.
    """
    if problem.severity == "error" and problem.code not in READ_ON:
        raise DataError(str(problem))


def tolerate(problems: list[Problem]) -> Report:
    """Collect problems; stop at an error that makes more than one annotation unreadable.

    Whoever reads a public original cannot mend it. What was left out must then be told.

    Raises:
        DataError: from the report returned; the message holds file and line.
    """

    def report(problem: Problem) -> None:
        if problem.code not in LEFT_OUT:
            refuse(problem)
        problems.append(problem)

    return report
