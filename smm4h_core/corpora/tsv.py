"""Tab-separated tables as the shared tasks write them: UTF-8, a header, and no quoting at all.

A cell is everything between two tabs, so that a stray ``"`` is a character and never swallows rows.
A row ends at a line feed, with or without a carriage return before it; no other character ends one.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from smm4h_core.corpora.plain_text import require_file
from smm4h_core.corpora.problems import Problem, Report, refuse
from smm4h_core.errors import DataError

NO_ALIASES: Mapping[str, str] = {}
BREAK = re.compile(r"[\t\n\r]")
"""What would end a cell."""
SURROGATE = re.compile(r"[\ud800-\udfff]")
"""What no UTF-8 file can hold: half of a surrogate pair."""
_SHADOW = re.compile(r"^__MACOSX/|(?:^|/)\._[^/]*$")
_ENCRYPTED = 0x1  # bit 0 of the general purpose flags, APPNOTE.TXT 4.4.4
_UNWRITABLE = re.compile(f"{BREAK.pattern}|{SURROGATE.pattern}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table and where it stands."""

    path: Path
    """The file it comes from."""
    line: int
    """Its line in the file; the header is line 1."""
    cells: dict[str, str]
    """Its cells by column name, as they are: nothing stripped, nothing unquoted."""


def flatten_cell(text: str) -> str:
    """Put a blank for each character that no cell can hold; one for one, so offsets stay true."""
    return _UNWRITABLE.sub(" ", text)


def describe_undecodable(raw: bytes, error: UnicodeDecodeError) -> str:
    """Say of a line that is not UTF-8 what was expected, what came, and where in the line."""
    got = f"byte 0x{raw[error.start]:02x} at byte {error.start + 1} of the line"
    return f"expected UTF-8, got {got}"


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    require_file(path)
    if path.suffix.lower() != ".zip":
        with path.open("rb") as stream:
            yield stream
        return
    try:
        with zipfile.ZipFile(path) as archive:
            # macOS's archiver adds a shadow of each file under such a name.
            names = [name for name in archive.namelist() if not _SHADOW.search(name)]
            if len(names) != 1 or not names[0].lower().endswith(".tsv"):
                got = ", ".join(names) or "nothing"
                raise DataError(f"{path}: expected one .tsv in the archive, got {got}")
            if archive.getinfo(names[0]).flag_bits & _ENCRYPTED:
                raise DataError(f"{path}: expected an archive without a password, got an encrypted")
            with archive.open(names[0]) as stream:
                yield stream
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"{path}: expected a sound zip archive, got: {error}") from error


def _read_cells(path: Path, report: Report) -> Generator[tuple[int, list[str]], None, None]:
    with _open(path) as stream:
        for number, raw in enumerate(stream, start=1):
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                report(Problem(path, number, "bad-encoding", describe_undecodable(raw, error)))
                line = raw.decode("utf-8", errors="replace")
            if number == 1:
                line = line.removeprefix("\ufeff")
            yield number, line.removesuffix("\n").removesuffix("\r").split("\t")


def format_columns(columns: Sequence[str]) -> str:
    """Name the columns that came; cut short, because a file without a header begins with a post."""
    return f"{', '.join(columns) or 'an empty file':.200}"


def _name_columns(cells: Sequence[str], aliases: Mapping[str, str]) -> tuple[str, ...]:
    names = (cell.strip().lower() for cell in cells)
    return tuple(aliases.get(name, name) for name in names)


def read_header(
    path: Path, *, aliases: Mapping[str, str] = NO_ALIASES, report: Report = refuse
) -> tuple[str, ...]:
    """Read the column names, lower-cased, stripped, aliases replaced; none from an empty file.

    Args:
        path: A table, or a zip archive that holds one ``.tsv``.
        aliases: Other names of columns, in lower case, to the names used in the code.
        report: Takes the problems met.

    Raises:
        DataError: the file is not there or, from ``report``, is not UTF-8.
    """
    with closing(_read_cells(path, report)) as lines:
        _, cells = next(lines, (1, []))
    return _name_columns(cells, aliases)


def read_rows(
    path: Path,
    required: Sequence[str],
    optional: Collection[str] = (),
    *,
    aliases: Mapping[str, str] = NO_ALIASES,
    report: Report = refuse,
) -> Iterator[Row]:
    """Read a table row by row, in constant memory.

    Args:
        path: A table, or a zip archive that holds one ``.tsv``.
        required: Columns that the header must have, in any order.
        optional: Columns that it may have; any other column is a problem.
        aliases: Other names of columns, in lower case, to the names used in the code.
        report: Takes the problems met; where it returns, reading goes on with the next row.

    Raises:
        DataError: the file is not there or, from ``report``, has other columns or is not UTF-8.
    """
    lines = _read_cells(path, report)
    _, header = next(lines, (1, []))
    columns = _name_columns(header, aliases)
    counts = Counter(columns)
    if not set(required) <= counts.keys() <= {*required, *optional} or len(counts) < len(columns):
        expected = ", ".join(required)
        if optional:
            expected += f" and perhaps {', '.join(sorted(optional))}"
        message = f"expected the columns {expected}; got {format_columns(columns)}"
        report(Problem(path, 1, "wrong-columns", message))
        return
    for line, cells in lines:
        if len(cells) == len(columns):
            yield Row(path, line, dict(zip(columns, cells, strict=True)))
        elif cells == [""]:
            report(Problem(path, line, "blank-line", "expected a row, got a blank line", "note"))
        else:
            message = f"expected {len(columns)} cells, got {len(cells)}"
            report(Problem(path, line, "wrong-columns", message))


def format_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    r"""Format a header and rows; the same rows give the same bytes.

    Nothing can be quoted in this format, so a cell that holds ``\t``, ``\n`` or ``\r`` is refused.

    Args:
        path: The file that the table is meant for, to be named in errors.
        columns: Column names.
        rows: A cell for each column.

    Raises:
        DataError: a cell cannot stand in such a table; the message holds its line.
    """
    lines = ["\t".join(columns)]
    for number, row in enumerate(rows, start=2):
        for column, cell in zip(columns, row, strict=True):
            if mark := BREAK.search(cell):
                raise DataError(
                    f"{path}:{number}: expected a {column} without tabs and line ends, "
                    f"got {mark[0]!r} at character {mark.start()}"
                )
            if half := SURROGATE.search(cell):
                raise DataError(
                    f"{path}:{number}: expected a {column} that UTF-8 can hold, "
                    f"got half of a surrogate pair at character {half.start()}"
                )
        lines.append("\t".join(row))
    return ("\n".join(lines) + "\n").encode("utf-8")
