"""A row of a table of posts: which column is the id, which the text, and what they may hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from smm4h_core.errors import DataError
from smm4h_core.types import Lang, Post

T = TypeVar("T")

SUFFIXES = (".tsv", ".csv", ".jsonl", ".parquet")
"""Endings of the tables that can be read and written."""
ID_COLUMNS = ("post_id", "tweet_id", "id")
TEXT_COLUMNS = ("text", "tweet")
LANG_COLUMN = "lang"
CHUNK_ROWS = 1000
"""Rows held in memory together."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row and the post in it."""

    post: Post
    """What the pipeline reads."""
    cells: Mapping[str, Any]
    """Every column in the table's order, as the format types it."""
    place: str
    """``file:line``; of Parquet ``file:row``, counted from 1."""


@dataclass(frozen=True, slots=True)
class PostColumns:
    """Which columns of a table make a post, as the table spells them."""

    post_id: str
    """The first of `ID_COLUMNS` that the table has."""
    text: str
    """The first of `TEXT_COLUMNS` that the table has."""
    lang: str | None
    """Where rows state their language."""

    def read(self, cells: Mapping[str, Any], place: str, lang: Lang | None) -> Row:
        """Make a row of cells; ``lang`` stands where the row states none.

        Raises:
            DataError: a missing or fractional id, a missing text, an unknown language.
        """
        post_id, text = cells[self.post_id], cells[self.text]
        whole = isinstance(post_id, int) and not isinstance(post_id, bool)
        if not whole and not (isinstance(post_id, str) and post_id.strip()):
            # A float has already lost the last digits of a tweet's id.
            raise DataError(
                f"{place}: expected {self.post_id} as text or a whole number, "
                f"got {'nothing' if post_id in (None, '') else repr(post_id)[:40]}"
            )
        if not isinstance(text, str):
            got = "nothing" if text is None else f"a value of type {type(text).__name__}"
            raise DataError(f"{place}: expected {self.text} as text, got {got}")
        stated = cells[self.lang] if self.lang is not None else None
        if stated in ("en", "ru"):
            lang = stated
        elif stated not in (None, ""):
            raise DataError(f"{place}: expected {self.lang} en, ru or none, got {stated!r:.20}")
        return Row(Post(str(post_id), text, lang), cells, place)


def find_columns(columns: Iterable[str], place: str) -> PostColumns:
    """Find a post's columns by name, in any case.

    Raises:
        DataError: a column that is missing or stands twice.
    """
    names = list(columns)
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise DataError(f"{place}: expected each column once, got {doubled[0]!r} twice")
    by_name = {name.strip().lower(): name for name in names}

    def first_of(wanted: tuple[str, ...]) -> str:
        for name in wanted:
            if name in by_name:
                return by_name[name]
        raise DataError(
            f"{place}: expected a column {' or '.join(wanted)}, got {', '.join(names) or 'none'}"
        )

    return PostColumns(first_of(ID_COLUMNS), first_of(TEXT_COLUMNS), by_name.get(LANG_COLUMN))


def in_chunks(rows: Iterable[T], size: int = CHUNK_ROWS) -> Iterator[list[T]]:
    """Cut a stream into lists of ``size``, the last one perhaps shorter."""
    stream = iter(rows)
    while chunk := list(islice(stream, size)):
        yield chunk
