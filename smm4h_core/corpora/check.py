"""Say everything that is wrong with a corpus, by file and line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from smm4h_core.corpora.duplicates import find_clusters
from smm4h_core.corpora.formats import read_original, recognise
from smm4h_core.corpora.plain_text import is_hidden
from smm4h_core.corpora.problems import Problem, Report
from smm4h_core.corpora.scan import (
    PlacedPost,
    scan_fragments,
    scan_labels,
    scan_posts,
    scan_spans,
)
from smm4h_core.corpora.shapes import ALIASES, ALL_COLUMNS, LABEL_COLUMNS, POST_COLUMNS
from smm4h_core.corpora.smm4h import FRAGMENTS_FILE, LABELS_FILE, POSTS_FILE, SPANS_FILES
from smm4h_core.corpora.tsv import format_columns, read_header
from smm4h_core.errors import DataError

_Folders: TypeAlias = dict[Path, list[Path]]
"""Folders and what is in them, sorted."""
_SPLIT_NAME = re.compile(r"(?<![a-z])(train|dev|val|test)")


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    path: Path
    posts: Mapping[str, PlacedPost]


@dataclass(frozen=True, slots=True)
class _Member:
    split: str
    path: Path
    placed: PlacedPost


def check(path: Path) -> list[Problem]:
    """Check a file, a split folder, or a folder of splits and corpora, down to the last row.

    A public original in a format of its own is recognised by its shape and read as such.

    Where a folder holds parts named train, dev (or val) and test, groups and texts that two of them
    share are errors too, and near-duplicate texts are notes.

    Returns:
        All problems, by file and line; those that leave the corpus readable are notes.

    Raises:
        DataError: there is no such file or folder.
    """
    problems: list[Problem] = []
    if path.is_dir():
        entered = _list_folders(path, problems.append)
        found_original = _check_originals(path, entered, problems.append)
        _check_folder(path, entered, problems.append)
        files = (child for children in entered.values() for child in children)
        if not found_original and not any(child.suffix == ".tsv" for child in files):
            message = "expected tweets.tsv, a .tsv, a public original or folders of them; got none"
            problems.append(Problem(path, 0, "no-corpus", message))
    elif path.is_file() and recognise(path):
        _check_original(path, problems.append)
    elif path.is_file():
        _check_file(path, problems.append)
    else:
        raise DataError(f"{path}: expected a file or a folder, got nothing")
    # A file of text and annotation is scanned for each, and a row can fail in every scan.
    return sorted(set(problems))


def _list_folders(folder: Path, report: Report) -> _Folders:
    """List each folder once, however many links lead to it or back above it."""
    entered: _Folders = {}
    places: dict[Path, Path] = {}
    pending = [folder]
    while pending:
        folder = pending.pop()
        known = places.setdefault(folder.resolve(), folder)
        if known != folder:
            message = f"expected each folder once, got {known} again: not checked"
            report(Problem(folder, 0, "linked-folder", message, "note"))
            continue
        entered[folder] = sorted(child for child in folder.iterdir() if not is_hidden(child))
        pending += reversed([child for child in entered[folder] if child.is_dir()])
    return entered


def _check_originals(folder: Path, entered: _Folders, report: Report) -> bool:
    if recognise(folder):
        _check_original(folder, report)
        return True
    found = False
    for child in entered[folder]:
        if child in entered:
            found |= _check_originals(child, entered, report)
        elif child.is_file() and recognise(child):
            _check_original(child, report)
            found = True
    return found


def _check_original(path: Path, report: Report) -> None:
    try:
        read_original(path, report=report)
    except DataError as error:
        report(Problem(path, 0, "unreadable", str(error).removeprefix(f"{path}: ")))


def _check_folder(folder: Path, entered: _Folders, report: Report) -> _Part | None:
    if (folder / POSTS_FILE).is_file():
        return _check_split(folder, report)
    children = (
        _check_folder(child, entered, report)
        if child in entered
        else _check_file(child, report, inside=True)
        for child in entered[folder]
        if child in entered or (child.suffix == ".tsv" and not child.is_dir())
    )
    _check_leaks([part for part in children if part], report)
    return None


def _check_split(folder: Path, report: Report) -> _Part:
    posts_path, labels_path = folder / POSTS_FILE, folder / LABELS_FILE
    posts = {placed.post.post_id: placed for placed in scan_posts(posts_path, None, report)}
    labels = scan_labels(labels_path, posts, report) if labels_path.is_file() else {}
    with_spans: set[str] = set()
    if (folder / FRAGMENTS_FILE).is_file():
        in_parts = scan_fragments(folder / FRAGMENTS_FILE, posts, report)
        with_spans |= {post_id for post_id, _ in in_parts}
    for task, name in SPANS_FILES.items():
        if (folder / name).is_file():
            spans = scan_spans(folder / name, posts, report, with_concepts=task == "1c")
            with_spans |= {post_id for post_id, _ in spans}
            if task == "1b":
                _compare(posts_path, posts, labels, with_spans, report)
    return _Part(folder.name, posts_path, posts)


def _check_file(path: Path, report: Report, inside: bool = False) -> _Part | None:
    columns = read_header(path, aliases=ALIASES, report=report)
    header = set(columns)
    is_corpus = header >= set(LABEL_COLUMNS) or header >= set(POST_COLUMNS)
    if not is_corpus or header - ALL_COLUMNS or len(header) < len(columns):
        message = (
            f"expected tweet_id with tweet or label, and others of {', '.join(sorted(ALL_COLUMNS))}"
            f"; got {format_columns(columns)}"
        )
        if inside and not is_corpus:
            report(Problem(path, 1, "not-a-corpus", f"not checked: {message}", "note"))
        else:
            report(Problem(path, 1, "wrong-columns", message))
        return None
    posts = None
    if "tweet" in header:
        posts = {placed.post.post_id: placed for placed in scan_posts(path, None, report)}
    labels = scan_labels(path, posts, report) if "label" in header else {}
    if "start" in header:
        spans = scan_spans(path, posts, report, with_concepts="ptid" in header)
        with_spans = {post_id for post_id, _ in spans}
        if posts is not None:
            _compare(path, posts, labels, with_spans, report)
    return None if posts is None else _Part(path.stem, path, posts)


def _compare(
    path: Path,
    posts: Mapping[str, PlacedPost],
    labels: Mapping[str, bool],
    with_spans: set[str],
    report: Report,
) -> None:
    for post_id, placed in posts.items():
        label = labels.get(post_id)
        if label is True and post_id not in with_spans:
            message = f"tweet_id {post_id!r} is labelled ADE and has no span"
            report(Problem(path, placed.line, "positive-without-span", message, "note"))
        elif label is False and post_id in with_spans:
            message = f"tweet_id {post_id!r} is labelled NoADE and has a span"
            report(Problem(path, placed.line, "negative-with-span", message, "note"))


def _check_leaks(parts: Sequence[_Part], report: Report) -> None:
    members = [
        _Member(name[0], part.path, placed)
        for part in parts
        if (name := _SPLIT_NAME.search(part.name.lower()))
        for placed in part.posts.values()
    ]
    if len({member.split for member in members}) < 2:
        return
    by_text: dict[str, _Member] = {}
    by_cluster: dict[int, _Member] = {}
    by_group: dict[str, _Member] = {}
    leaking_groups: set[tuple[str, str]] = set()
    clusters = find_clusters([member.placed.post.text for member in members])
    for member, cluster in zip(members, clusters, strict=True):
        text = " ".join(member.placed.post.text.casefold().split())
        same = by_text.setdefault(text, member)
        near = by_cluster.setdefault(cluster, member)
        if same.split != member.split:
            report(_leak(member, same, "text"))
        elif near.split != member.split:
            report(_leak(member, near, "near-duplicate"))
        group = member.placed.group
        kin = by_group.setdefault(group, member)
        if kin.split != member.split and (member.split, group) not in leaking_groups:
            leaking_groups.add((member.split, group))
            report(_leak(member, kin, "group"))


def _leak(member: _Member, other: _Member, what: str) -> Problem:
    message = (
        f"tweet_id {member.placed.post.post_id!r}: expected its {what} in {member.split} alone, "
        f"got {other.placed.post.post_id!r} in {other.path}:{other.placed.line}"
    )
    near = what == "near-duplicate"
    code = "near-leak" if near else "leak"
    return Problem(member.path, member.placed.line, code, message, "note" if near else "error")
