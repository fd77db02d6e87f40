"""Records of CSV whose cells may be of any length."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from threading import Lock

# The limit of 131,072 characters a cell can only be set for the whole process.
_NO_LIMIT = 2**31 - 1  # the largest that a C long holds on every system
_SETTING = Lock()


def next_record(reader: Iterator[list[str]]) -> list[str] | None:
    """Take the next record of a ``csv.reader``; None after the last.

    Other readers in the process keep their limit.

    Raises:
        csv.Error: the record is not as the reader's dialect has it.
    """
    with _SETTING:
        before = csv.field_size_limit(_NO_LIMIT)
        try:
            return next(reader, None)
        finally:
            csv.field_size_limit(before)
