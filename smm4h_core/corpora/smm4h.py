"""Read and write the corpora of the SMM4H tasks 1a, 1b, 1c and 2.

A corpus is a split folder (``tweets.tsv``, ``class.tsv``, ``spans.tsv``, ``spans_norm.tsv``) or one
file that holds text and annotation; the header decides which file of which year it is. Beside the
tasks' own files a folder of ours may hold ``fragments.tsv``, the mentions that stand in parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from smm4h_core.corpora.original import format_fragments
from smm4h_core.corpora.problems import Report, refuse
from smm4h_core.corpora.scan import Types, scan_fragments, scan_labels, scan_posts, scan_spans
from smm4h_core.corpora.shapes import (
    CONCEPT_COLUMNS,
    FRAGMENT_COLUMNS,
    LABEL_COLUMNS,
    POST_COLUMNS,
    SPAN_COLUMNS,
    Task,
    format_label,
    group_of,
)
from smm4h_core.corpora.tsv import format_table
from smm4h_core.errors import DataError
from smm4h_core.types import AnnotatedPost, Lang, Mention, Post

POSTS_FILE = "tweets.tsv"
LABELS_FILE = "class.tsv"
SPANS_FILES: Mapping[Task, str] = {"1b": "spans.tsv", "1c": "spans_norm.tsv"}
FRAGMENTS_FILE = "fragments.tsv"

Table: TypeAlias = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Columns and rows."""


def read_posts(path: Path, *, lang: Lang | None = None) -> Iterator[Post]:
    """Read the posts of a file or a split folder one by one, each once.

    Raises:
        DataError: at the first line that is not as the format has it.
    """
    for placed in scan_posts(path / POSTS_FILE if path.is_dir() else path, lang):
        yield placed.post


def read_annotated(
    path: Path,
    task: Task,
    *,
    lang: Lang | None = None,
    llt_to_pt: Mapping[str, str] | None = None,
    types: Types | None = None,
    report: Report = refuse,
) -> list[AnnotatedPost]:
    """Read the posts of a file or a split folder with what the task annotates, in the file's order.

    Mentions are read for tasks 1b and 1c, in order of appearance, those in parts among them where a
    folder has ``fragments.tsv``. The label is None where a folder of these tasks has no
    ``class.tsv``.

    Args:
        path: A file with text and annotation, or a split folder.
        task: Which annotation to read: 1a and 2 labels, 1b spans, 1c spans with concepts.
        lang: Language of the posts, where it is known.
        llt_to_pt: MedDRA's lowest-level terms to their preferred terms; task 1c then answers in
            preferred terms only.
        types: Labels of spans to what they become, as :func:`scan_spans` takes them.
        report: Takes the problems met.

    Raises:
        DataError: at the first line that is not as the format has it; a span whose quotation
            differs from its offsets is read on.
    """
    posts_path = path / POSTS_FILE if path.is_dir() else path
    labels_path = path / LABELS_FILE if path.is_dir() else path
    posts = {placed.post.post_id: placed for placed in scan_posts(posts_path, lang, report)}
    labels: Mapping[str, bool] = {}
    if task not in SPANS_FILES or labels_path.is_file():
        labels = scan_labels(labels_path, posts, report, types=types)
    mentions: dict[str, list[Mention]] = {post_id: [] for post_id in posts}
    if task in SPANS_FILES:
        spans_path = path / SPANS_FILES[task] if path.is_dir() else path
        spans = scan_spans(
            spans_path,
            posts,
            report,
            with_concepts=task == "1c",
            llt_to_pt=llt_to_pt,
            types=types,
        )
        for post_id, mention in spans:
            mentions[post_id].append(mention)
        if path.is_dir() and (path / FRAGMENTS_FILE).is_file():
            in_parts = scan_fragments(
                path / FRAGMENTS_FILE, posts, report, llt_to_pt=llt_to_pt, types=types
            )
            for post_id, mention in in_parts:
                if task == "1b" or mention.concept_id is not None:
                    mentions[post_id].append(mention)
    return [
        AnnotatedPost(
            post=placed.post,
            label=labels.get(post_id),
            mentions=tuple(sorted(mentions[post_id], key=lambda each: (each.span, each.parts))),
            group=placed.group,
        )
        for post_id, placed in posts.items()
    ]


def write_annotated(path: Path, posts: Sequence[AnnotatedPost], task: Task) -> None:
    """Write what :func:`read_annotated` reads back for the same task: one ``.tsv``, or a folder.

    In a folder tasks 1a and 2 write labels, 1b labels (where posts have them) and spans, 1c these
    and ``spans_norm.tsv``, which holds the mentions that have a concept; mentions in parts go to
    ``fragments.tsv`` instead, in 1c with their concepts. One file of task 1b or 1c
    repeats a post for each mention, and leaves the offsets blank where it has none. A column
    ``group`` is added where ids do not tell the groups.

    Raises:
        DataError: the path is taken; a post cannot stand in the format (a tab or a line end in its
            text: offsets must stay true, so nothing is replaced); an id comes twice; labels are
            missing, or in one file deny a mention; one file is to hold a mention in parts.
    """
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise DataError(f"{path}: expected a new file or an empty folder, got one that holds data")
    ids = {annotated.post.post_id for annotated in posts}
    if len(ids) < len(posts) or not all(map(str.strip, ids)):
        raise DataError(f"{path}: expected each tweet_id once and none blank, got others")
    as_file = path.suffix == ".tsv"
    num_labels = sum(annotated.label is not None for annotated in posts)
    if num_labels < len(posts) and (num_labels or as_file or task not in SPANS_FILES):
        raise DataError(f"{path}: expected a label on all {len(posts)} posts, got {num_labels}")
    if as_file:
        path.write_bytes(format_table(path, *_file_table(path, posts, task)))
        return
    tables = _folder_tables(posts, task, labelled=num_labels > 0 or task not in SPANS_FILES)
    # All are formatted before the first is written: a refused post leaves no half corpus behind.
    contents = {name: format_table(path / name, *table) for name, table in tables.items()}
    path.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (path / name).write_bytes(content)


def format_spans(post_id: str, mentions: Sequence[Mention]) -> list[tuple[str, ...]]:
    """Format mentions as rows of ``tweet_id label start end span ptid``; no concept, a blank ptid.

    Raises:
        DataError: a mention is of another type than ADE, which no task's file can hold.
    """
    for mention in mentions:
        if mention.type != "ADE":
            raise DataError(f"tweet_id {post_id!r}: expected ADE mentions, got a {mention.type}")
    return [
        (post_id, "ADE", str(m.span.start), str(m.span.end), m.text, m.concept_id or "")
        for m in mentions
    ]


def _folder_tables(
    posts: Sequence[AnnotatedPost], task: Task, *, labelled: bool
) -> dict[str, Table]:
    texts = [(annotated.post.post_id, annotated.post.text) for annotated in posts]
    tables = {POSTS_FILE: _add_groups(POST_COLUMNS, texts, posts)}
    if labelled:
        labels = [(ann.post.post_id, format_label(bool(ann.label), task)) for ann in posts]
        tables[LABELS_FILE] = LABEL_COLUMNS, labels
    if task in SPANS_FILES:
        spans = []
        in_parts = []
        for ann in posts:
            whole = [mention for mention in ann.mentions if not mention.fragments]
            spans += format_spans(ann.post.post_id, whole)
            in_parts += _format_in_parts(ann)
        tables[SPANS_FILES["1b"]] = SPAN_COLUMNS, [row[:-1] for row in spans]
        if task == "1c":
            tables[SPANS_FILES["1c"]] = CONCEPT_COLUMNS, [row for row in spans if row[-1]]
        if in_parts:
            columns = (*FRAGMENT_COLUMNS, "ptid")[: 5 if task == "1c" else 4]
            tables[FRAGMENTS_FILE] = columns, [row[: len(columns)] for row in in_parts]
    return tables


def _format_in_parts(annotated: AnnotatedPost) -> list[tuple[str, ...]]:
    in_parts = [mention for mention in annotated.mentions if mention.fragments]
    hulls = format_spans(annotated.post.post_id, in_parts)
    return [
        (post_id, label, format_fragments(mention.fragments), text, concept_id)
        for (post_id, label, _, _, text, concept_id), mention in zip(hulls, in_parts, strict=True)
    ]


def _file_table(path: Path, posts: Sequence[AnnotatedPost], task: Task) -> Table:
    columns = {"1b": SPAN_COLUMNS, "1c": CONCEPT_COLUMNS}.get(task, LABEL_COLUMNS)
    rows: list[Sequence[str]] = []
    for annotated in posts:
        post_id, label = annotated.post.post_id, format_label(bool(annotated.label), task)
        spans = format_spans(post_id, annotated.mentions) if task in SPANS_FILES else []
        if spans and any(mention.fragments for mention in annotated.mentions):
            raise DataError(
                f"{path}: tweet_id {post_id!r}: expected a folder for a mention in parts, "
                f"got one file, which has no column for them"
            )
        if spans and not annotated.label:
            raise DataError(
                f"{path}: tweet_id {post_id!r}: expected ADE for a mention, got {label}"
            )
        for span in spans or [(post_id, label, "", "", "", "")]:
            rows.append((post_id, annotated.post.text, *span[1 : len(columns)]))
    return _add_groups((*POST_COLUMNS, *columns[1:]), rows, posts)


def _add_groups(
    columns: Sequence[str], rows: Sequence[Sequence[str]], posts: Sequence[AnnotatedPost]
) -> Table:
    group_by_id = {ann.post.post_id: ann.group or group_of(ann.post.post_id) for ann in posts}
    if all(group == group_of(post_id) for post_id, group in group_by_id.items()):
        return columns, rows
    return (*columns, "group"), [(*row, group_by_id[row[0]]) for row in rows]
