"""Rows that cannot be answered: each with its place, the reason, and as it was written."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NoReturn

from smm4h_core.errors import DataError

BAD_ROWS = "rows.csv"
COLUMNS = ("place", "reason", "row")


def refuse_first(error: DataError, _written: str) -> NoReturn:
    """Stop at the first row that cannot be read, and say what would not have stopped.

    Raises:
        DataError: the one given, with that advice.
    """
    raise DataError(f"{error}; a folder for errors (--errors) would leave such rows out")


class BadRows:
    """Writes a line for each row that cannot be answered; without any there is no file.

    Args:
        path: The file. One that an earlier call left goes at once.
        table: Where the rows come from, as their errors name it.
    """

    def __init__(self, path: Path, *, table: str) -> None:
        self.path = path
        self._table = table
        self.count = 0
        self.path.unlink(missing_ok=True)

    def tell(self, error: DataError, written: str) -> None:
        r"""Add a row: bytes of it that are not UTF-8 stand as ``\udcff``."""
        said = str(error).removeprefix(self._table)  # whose name may hold a colon itself
        place, _, reason = said.partition(": ")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            rows = csv.writer(stream)
            if self.count == 0:
                rows.writerow(COLUMNS)
            rows.writerow((f"{self._table}{place}", reason, written))
        self.count += 1
