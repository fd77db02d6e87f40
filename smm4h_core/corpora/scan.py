"""Posts, labels and spans as rows give them: one reading, which refuses errors or collects them.

A single file of a task holds all three and is scanned once for each; a split folder holds each in a
file of its own. The readers and the checker differ only in the ``report`` that they hand in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from smm4h_core.corpora.original import Place, build_mention
from smm4h_core.corpora.problems import Problem, Report, Severity, refuse
from smm4h_core.corpora.shapes import (
    ALIASES,
    ALL_COLUMNS,
    CONCEPT_COLUMNS,
    FRAGMENT_COLUMNS,
    LABEL_COLUMNS,
    POST_COLUMNS,
    SPAN_COLUMNS,
    group_of,
    is_blank,
    parse_label,
)
from smm4h_core.corpora.tsv import Row, read_rows
from smm4h_core.types import Lang, Mention, Post, Span

Types: TypeAlias = Mapping[str, str | None]
"""Labels of spans to ``ADE``, or None for those that are left out."""
LEFT_OUT_TYPE = "left-out-type"
"""Code of the note on such a span."""

# Nine digits hold every offset; int() itself refuses strings past some thousand digits.
_OFFSET = re.compile(r"[0-9]{1,9}")
_FRAGMENTS = re.compile(r"[0-9]{1,9}-[0-9]{1,9}(?:;[0-9]{1,9}-[0-9]{1,9})*")


@dataclass(frozen=True, slots=True)
class PlacedPost:
    """A post and where it stands."""

    post: Post
    """The post."""
    group: str
    """Its ``group`` cell, else its ``user_id`` cell, else what its id says."""
    line: int
    """Its first line in the file."""


def scan_posts(path: Path, lang: Lang | None, report: Report = refuse) -> Iterator[PlacedPost]:
    """Scan the posts of a file, each once; only ids are kept in memory.

    A file with spans repeats a post for each of its spans, and must repeat its text with it.

    Raises:
        DataError: from ``report``, at the first error.
    """
    first: dict[str, tuple[int, int]] = {}
    for row in _scan(path, POST_COLUMNS, report):
        post_id, text = row.cells["tweet_id"], row.cells["tweet"]
        if post_id in first:
            line, text_hash = first[post_id]
            if not _has_spans(row):
                _report_doubled(row, line, report)
            elif hash(text) != text_hash:
                message = f"tweet_id {post_id!r}: expected the text of line {line}, got another"
                _report(row, "doubled-id", message, report)
            continue
        first[post_id] = row.line, hash(text)
        if not text.strip():
            _report(row, "empty-text", f"tweet_id {post_id!r} has no text", report, "note")
        group = row.cells.get("group") or row.cells.get("user_id") or group_of(post_id)
        yield PlacedPost(Post(post_id, text, lang), group, row.line)


def scan_labels(
    path: Path,
    posts: Mapping[str, PlacedPost] | None = None,
    report: Report = refuse,
    *,
    types: Types | None = None,
) -> dict[str, bool]:
    """Scan the labels of a file, by post, in the file's order.

    In a file with spans a post is positive where one of its rows is, and a blank label is negative.

    Args:
        path: A file with the columns ``tweet_id`` and ``label``.
        posts: The posts that the labels must fit one to one; None where there are none to hold
            them against, as in a submission.
        report: Takes the problems met.
        types: As in :func:`scan_spans`, for a file with spans.

    Raises:
        DataError: from ``report``, at the first error.
    """
    labels: dict[str, bool] = {}
    lines: dict[str, int] = {}
    for row in _scan(path, LABEL_COLUMNS, report):
        post_id, has_spans = row.cells["tweet_id"], _has_spans(row)
        if post_id in lines and not has_spans:
            _report_doubled(row, lines[post_id], report)
            continue
        lines[post_id] = row.line
        if posts is not None and post_id not in posts:
            message = f"expected a tweet_id among the posts, got {post_id!r}"
            _report(row, "label-without-post", message, report)
        label = _read_label(row, report, types if has_spans else None)
        if label is not None:
            labels[post_id] = labels.get(post_id, False) or label
    for post_id, placed in (posts or {}).items():
        if post_id not in lines:
            message = f"expected a label of tweet_id {post_id!r} (line {placed.line} of the posts)"
            report(Problem(path, 0, "post-without-label", f"{message}, got none"))
    return labels


def scan_spans(
    path: Path,
    posts: Mapping[str, PlacedPost] | None = None,
    report: Report = refuse,
    *,
    with_concepts: bool = False,
    llt_to_pt: Mapping[str, str] | None = None,
    types: Types | None = None,
) -> Iterator[tuple[str, Mention]]:
    """Scan the ADE mentions of a file, each with its post's id, in the file's order.

    The offsets are trusted; a mention's text is the annotator's quotation.

    Args:
        path: A file with the columns ``tweet_id label start end span``.
        posts: The posts that the offsets are held against; None where there are none.
        report: Takes the problems met.
        with_concepts: Whether the column ``ptid`` is expected and read.
        llt_to_pt: MedDRA's lowest-level terms to their preferred terms, each PT's own code among
            them; concepts are then mapped, and must be known.
        types: Labels of spans to what they become; every one that stands there must be known.
            None knows ADE alone.

    Raises:
        DataError: from ``report``, at the first error other than a differing quotation.
    """
    first: dict[tuple[str, Mention], int] = {}
    for row in _scan(path, CONCEPT_COLUMNS if with_concepts else SPAN_COLUMNS, report):
        post_id = row.cells["tweet_id"]
        if posts is not None and post_id not in posts:
            message = f"expected a tweet_id among the posts, got {post_id!r}"
            _report(row, "unknown-id", message, report)
        label = _read_label(row, report, types)
        if all(is_blank(row.cells[name]) for name in ("start", "end", "span")):
            continue
        if types is not None and types.get(row.cells["label"], "") is None:
            _report_left_out(row, report)
            continue
        if label is False:
            message = f"expected ADE for a span, got {row.cells['label']!r}"
            _report(row, "span-on-negative", message, report)
        placed = posts.get(post_id) if posts is not None else None
        span = _read_span(row, placed.post.text if placed else None, report)
        if span is None:
            continue
        concept_id = _read_concept(row, llt_to_pt, report) if with_concepts else None
        mention = Mention(span, row.cells["span"], "ADE", concept_id)
        line = first.setdefault((post_id, mention), row.line)
        if line != row.line:
            _report(row, "doubled-span", f"this span also stands in line {line}", report, "note")
        yield post_id, mention


def scan_fragments(
    path: Path,
    posts: Mapping[str, PlacedPost],
    report: Report = refuse,
    *,
    llt_to_pt: Mapping[str, str] | None = None,
    types: Types | None = None,
) -> Iterator[tuple[str, Mention]]:
    """Scan the discontinuous ADE mentions of ``fragments.tsv``, each with its post's id.

    Args:
        path: A file with the columns ``tweet_id label fragments span`` and perhaps ``ptid``.
        posts: The posts that the offsets are held against.
        report: Takes the problems met.
        llt_to_pt: As in :func:`scan_spans`.
        types: As in :func:`scan_spans`.

    Raises:
        DataError: from ``report``, at the first error other than a differing quotation.
    """
    for row in _scan(path, FRAGMENT_COLUMNS, report):
        post_id, cell = row.cells["tweet_id"], row.cells["fragments"].strip()
        if post_id not in posts:
            message = f"expected a tweet_id among the posts, got {post_id!r}"
            _report(row, "unknown-id", message, report)
            continue
        label = _read_label(row, report, types)
        if types is not None and types.get(row.cells["label"], "") is None:
            _report_left_out(row, report)
            continue
        if label is False:
            message = f"expected ADE for a mention, got {row.cells['label']!r}"
            _report(row, "span-on-negative", message, report)
        if not _FRAGMENTS.fullmatch(cell):
            message = f"expected parts such as 9-19;25-30, got {cell[:40]!r}"
            _report(row, "bad-offset", message, report)
            continue
        offsets = [(int(a), int(b)) for a, b in (part.split("-") for part in cell.split(";"))]
        has_concept = not is_blank(row.cells.get("ptid", ""))
        concept_id = _read_concept(row, llt_to_pt, report) if has_concept else None
        text, place = posts[post_id].post.text, Place(row.path, row.line, report)
        mention = build_mention(offsets, text, row.cells["span"], "ADE", concept_id, place)
        if mention is not None:
            yield post_id, mention


def _scan(path: Path, required: tuple[str, ...], report: Report) -> Iterator[Row]:
    for row in read_rows(path, required, ALL_COLUMNS, aliases=ALIASES, report=report):
        if row.cells["tweet_id"].strip():
            yield row
        else:
            _report(row, "missing-id", "expected a tweet_id, got a blank cell", report)


def _labels_in(path: Path) -> set[str]:
    rows = read_rows(path, LABEL_COLUMNS, ALL_COLUMNS, aliases=ALIASES, report=lambda _: None)
    return {row.cells["label"] for row in rows}


def _has_spans(row: Row) -> bool:
    return "start" in row.cells


def _report(
    row: Row, code: str, message: str, report: Report, severity: Severity = "error"
) -> None:
    report(Problem(row.path, row.line, code, message, severity))


def _report_doubled(row: Row, line: int, report: Report) -> None:
    message = f"expected each tweet_id once, got {row.cells['tweet_id']!r} of line {line} again"
    _report(row, "doubled-id", message, report)


def _report_left_out(row: Row, report: Report) -> None:
    message = f"a span of {row.cells['label']!r} is left out, as `types` says"
    _report(row, LEFT_OUT_TYPE, message, report, "note")


def _read_label(row: Row, report: Report, types: Types | None = None) -> bool | None:
    cell = row.cells["label"]
    if types is not None and cell in types:
        return types[cell] is not None
    if types is not None and not is_blank(cell) and parse_label(cell) is not False:
        there = sorted(_labels_in(row.path))
        message = f"expected one of the types {sorted(types)}, got {cell!r}; this file has {there}"
        _report(row, "unknown-type", message, report)
        return None
    label = parse_label(cell)
    if label is None and _has_spans(row) and is_blank(cell):
        return False
    if label is None:
        message = f"expected the label ADE, NoADE, 1 or 0, got {cell!r}"
        _report(row, "unknown-label", message, report)
    return label


def _read_span(row: Row, text: str | None, report: Report) -> Span | None:
    cells = row.cells["start"].strip(), row.cells["end"].strip()
    if not all(map(_OFFSET.fullmatch, cells)):
        message = f"expected whole numbers as start and end, got {cells[0]!r} and {cells[1]!r}"
        _report(row, "bad-offset", message, report)
        return None
    start, end = map(int, cells)
    if not start < end or (text is not None and end > len(text)):
        bound = "" if text is None else f" <= {len(text)}, the post's length"
        message = f"expected start < end{bound}, got [{start}, {end})"
        _report(row, "offset-outside", message, report)
        return None
    quoted = row.cells["span"]
    if text is not None and (found := text[start:end]) != quoted:
        message = f"expected {found[:40]!r}, the post at [{start}, {end}), got {quoted[:40]!r}"
        if found.casefold() == quoted.casefold():
            _report(row, "span-case", message, report, "note")
        else:
            _report(row, "span-mismatch", message, report)
    return Span(start, end)


def _read_concept(row: Row, llt_to_pt: Mapping[str, str] | None, report: Report) -> str | None:
    code = row.cells["ptid"].strip()
    if is_blank(code):
        _report(row, "missing-concept", "expected a ptid, got a blank cell", report, "note")
        return None
    if llt_to_pt is None:
        return code
    if code not in llt_to_pt:
        message = f"expected a code of the terminology, got {code!r}"
        _report(row, "unknown-concept", message, report)
    return llt_to_pt.get(code)
