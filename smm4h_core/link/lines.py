"""Lines of a terminology's release: UTF-8 or refused, by file and line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from smm4h_core.corpora.tsv import describe_undecodable
from smm4h_core.errors import DataError


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their number, from 1, their ends taken off; only a line feed ends one.

    Raises:
        DataError: the file is not there, or a line is not UTF-8.
    """
    if not path.is_file():
        raise DataError(f"{path}: expected a file of the release, got nothing")
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, start=1):
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise DataError(f"{path}:{number}: {describe_undecodable(raw, error)}") from None
            if number == 1:
                line = line.removeprefix("\ufeff")
            yield number, line.removesuffix("\n").removesuffix("\r")
