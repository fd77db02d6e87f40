"""A table in parts beside its place, so that work goes on after a kill; joined at the end."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from smm4h_core.tables.write import ROW_GROUP_ROWS, format_header, write_table

JOB = "job.sha256"


class Parts:
    """The parts of one table, numbered from 0; each appears whole."""

    def __init__(self, path: Path, job: Mapping[str, Any]) -> None:
        """Find the parts of this very job; those of another are removed.

        Args:
            path: Where the whole table is to be.
            job: What decides its content, as JSON.
        """
        self.path = path
        self.folder = path.with_name(f".{path.name}.parts")
        text = json.dumps(job, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        stated = self.folder / JOB
        # Compared as it stands: one that a kill cut short is another job's.
        if not stated.is_file() or stated.read_bytes() != digest.encode():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir()
            stated.write_bytes(digest.encode())

    @contextmanager
    def open(self, number: int, counts: Mapping[str, int]) -> Iterator[Path]:
        """A file to write a part to; it is put in place, with its counts, when the block ends.

        Args:
            number: The part's.
            counts: What is to be known of it afterwards, as it stands when the block ends.
        """
        unfinished = self.folder / f"open{self.path.suffix}"
        yield unfinished
        self._counts_of(number).write_text(json.dumps(dict(counts)))
        unfinished.replace(self._path_of(number))

    def counts(self) -> Counter[str]:
        """Sums over the parts that are there."""
        total: Counter[str] = Counter()
        for number in range(self.num_done()):
            total.update(json.loads(self._counts_of(number).read_text()))
        return total

    def _path_of(self, number: int) -> Path:
        return self.folder / f"{number:06d}{self.path.suffix}"

    def _counts_of(self, number: int) -> Path:
        return self.folder / f"{number:06d}.counts"

    def num_done(self) -> int:
        """Parts that are there, without a gap."""
        number = 0
        while self._path_of(number).is_file():
            number += 1
        return number

    def join(self, columns: Sequence[str], types: pa.Schema | None) -> None:
        """Put the whole table in place and remove the parts.

        Args:
            columns: Its columns, for a table without any row.
            types: Their types, where it is Parquet.
        """
        paths = [self._path_of(number) for number in range(self.num_done())]
        if not paths:
            with write_table(self.path, columns, types=types):
                pass  # a header alone
        else:
            unfinished = self.path.with_name(f".{self.path.name}.{uuid4().hex}.partial")
            try:
                if self.path.suffix == ".parquet":
                    _join_parquet(paths, unfinished)
                else:
                    header = format_header(columns, self.path.suffix)
                    _join_text(paths, unfinished, len(header))
                unfinished.replace(self.path)
            finally:
                unfinished.unlink(missing_ok=True)
        shutil.rmtree(self.folder)


def _join_text(parts: Sequence[Path], path: Path, header_bytes: int) -> None:
    with path.open("wb") as whole:
        for number, part in enumerate(parts):
            with part.open("rb") as stream:
                stream.seek(header_bytes if number else 0)
                shutil.copyfileobj(stream, whole)


def _join_parquet(parts: Sequence[Path], path: Path) -> None:
    waiting: list[pa.Table] = []
    with pq.ParquetFile(parts[0]) as first:
        schema = first.schema_arrow
    with pq.ParquetWriter(path, schema) as writer:
        for number, part in enumerate(parts):
            with pq.ParquetFile(part) as file:
                waiting.append(file.read(use_threads=False))
            rows = sum(table.num_rows for table in waiting)
            if rows >= ROW_GROUP_ROWS or number == len(parts) - 1:
                writer.write_table(pa.concat_tables(waiting))
                waiting.clear()
