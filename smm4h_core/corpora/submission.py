"""Answers without their texts: what a submission holds, and what a scorer compares."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from smm4h_core.corpora.scan import scan_labels, scan_spans
from smm4h_core.corpora.shapes import (
    CONCEPT_COLUMNS,
    LABEL_COLUMNS,
    SPAN_COLUMNS,
    Task,
    format_label,
)
from smm4h_core.corpora.smm4h import format_spans
from smm4h_core.corpora.tsv import flatten_cell, format_table
from smm4h_core.errors import DataError
from smm4h_core.storage import open_storage
from smm4h_core.types import AnnotatedPost, Mention


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of one post, gold or pred."""

    post_id: str
    """The post's identifier."""
    label: bool
    """Whether it reports an ADE."""
    mentions: tuple[Mention, ...] = ()
    """Its ADE mentions in the order given, duplicates included; empty in tasks 1a and 2."""


def answer_of(annotated: AnnotatedPost) -> Answer:
    """Take a post's annotation as an answer; unlabelled, it reports an ADE if it has mentions."""
    label = bool(annotated.mentions) if annotated.label is None else annotated.label
    return Answer(annotated.post.post_id, label, annotated.mentions)


def read_predictions(path: Path, task: Task) -> list[Answer]:
    """Read a submission, or a gold file of the same columns with or without its texts.

    Posts come in the order of their first row. Tasks 1b and 1c leave out posts without a mention,
    so a post that is not in the answer has none.

    Args:
        path: A ``.tsv``, or a ``.zip`` that holds one.
        task: Which columns to expect.

    Raises:
        DataError: at the first line that is not as the format has it.
    """
    mentions: dict[str, list[Mention]] = {}
    if task in ("1b", "1c"):
        for post_id, mention in scan_spans(path, with_concepts=task == "1c"):
            mentions.setdefault(post_id, []).append(mention)
    return [
        Answer(post_id, label, tuple(mentions.get(post_id, ())))
        for post_id, label in scan_labels(path).items()
    ]


def write_submission(path: Path, task: Task, answers: Iterable[Answer]) -> None:
    """Write a submission as the organisers take it, whole or not; equal answers, equal bytes.

    1a and 2: ``tweet_id label``; 1b: ``tweet_id label start end span``; 1c: the same with ``ptid``,
    blank for a mention without a concept. No answer is lost to its quotation: a tab, a line end or
    half a surrogate pair in ``span`` becomes a space, and the offsets, which are scored, stay.

    Args:
        path: A ``.tsv``, or a ``.zip`` that will hold one ``.tsv`` of the same name.
        task: Which columns to write.
        answers: At most one for each post.

    Raises:
        DataError: another ending of ``path``; an id that comes twice or cannot stand in a cell.
    """
    if path.suffix not in (".tsv", ".zip"):
        raise DataError(f"{path}: expected a name ending in .tsv or .zip, got {path.suffix!r}")
    columns = {"1b": SPAN_COLUMNS, "1c": CONCEPT_COLUMNS}.get(task, LABEL_COLUMNS)
    rows: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for answer in answers:
        if answer.post_id in seen or not answer.post_id.strip():
            raise DataError(
                f"{path}: expected each tweet_id once and none blank, got {answer.post_id!r}"
            )
        seen.add(answer.post_id)
        if task in ("1b", "1c"):
            for post_id, label, start, end, span, ptid in format_spans(
                answer.post_id, answer.mentions
            ):
                row = post_id, label, start, end, flatten_cell(span), ptid
                rows.append(row[: len(columns)])
        else:
            rows.append((answer.post_id, format_label(answer.label, task)))
    table = format_table(path, columns, rows)
    content = table if path.suffix == ".tsv" else _zip(f"{path.stem}.tsv", table)
    open_storage(str(path.parent)).write(path.name, lambda stream: stream.write(content))


def _zip(name: str, content: bytes) -> bytes:
    # The default header holds the clock and the platform; both would change the bytes.
    header = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    header.compress_type = zipfile.ZIP_DEFLATED
    header.create_system = 3
    header.external_attr = 0o644 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(header, content)
    return buffer.getvalue()
