"""CADEC, version 2: forum posts in ``text/``, brat-like annotation in ``original/``, codes beside.

Karimi, Metke-Jimenez, Kemp and Wang, Journal of Biomedical Informatics 55 (2015). ``meddra/`` and
``sct/`` give the codes of the mention ``Tn`` of ``original/`` in a line ``TTn``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from smm4h_core.corpora.original import (
    Annotation,
    Original,
    Place,
    annotate,
    build_mention,
    count_types,
)
from smm4h_core.corpora.plain_text import is_hidden, read_text
from smm4h_core.corpora.problems import Problem, Report, refuse
from smm4h_core.types import AnnotatedPost, MentionType, Post

Codes = Literal["meddra", "sct"]
"""Folder that the concepts are taken from."""

_TYPES: Mapping[str, MentionType] = {"ADR": "ADE", "Drug": "DRUG"}
# The offsets stand last: a MedDRA code before them is a number too.
_BODY = re.compile(r"(?P<head>.*?)\s*(?P<offsets>\d{1,9} \d{1,9}(?:\s*;\s*\d{1,9} \d{1,9})*)\s*")
_LINE = re.compile(r"(?P<tag>TT?(?P<number>\d{1,9}))\t(?P<body>[^\t]*)(?:\t(?P<quoted>.*))?")
_PLACELESS = re.compile(r"T(?P<number>\d{1,9})\s+(?P<type>ADR)\b")
# Two files have runs of blanks where all others have tabs.
_SLOPPY_TAB = re.compile(r" {2,}")
_CODE = re.compile(r"\b\d{6,18}\b")
_CONCEPT_LESS = "CONCEPT_LESS"


def is_cadec(path: Path) -> bool:
    """Whether a folder has CADEC's shape."""
    return (path / "text").is_dir() and (path / "original").is_dir()


def read_cadec(folder: Path, codes: Codes = "meddra", report: Report = refuse) -> Original:
    """Read the forum posts, each a document and a group of its own, in the order of their names.

    A post is positive where an ADR is annotated, be its offsets sound or not. Hidden files and
    annotators' notes are passed over. A mention of several
    codes (``+``, ``/`` or ``or`` between them) gets the first, and ``CONCEPT_LESS`` is none.

    Args:
        folder: The folder that holds ``text``, ``original``, ``meddra`` and ``sct``.
        codes: Where concepts are taken from.
        report: Takes the problems met.

    Raises:
        DataError: from ``report``, at the first error that is not read on.
    """
    posts: list[AnnotatedPost] = []
    dropped: list[str] = []
    unplaced: set[str] = set()
    names = {path.stem for path in (folder / "text").glob("*.txt") if not is_hidden(path)}
    name_of: dict[str, str] = {}
    for path in sorted((folder / "original").glob("*.ann")):
        if path.stem not in names and not is_hidden(path):
            message = f"expected {folder.name}/text/{path.stem}.txt, got nothing"
            report(Problem(path, 0, "annotation-without-text", message))
    for name in sorted(names):
        path = folder / "original" / f"{name}.ann"
        # The last line's end belongs to the file, not to the post.
        text = read_text(folder / "text" / f"{name}.txt", report).removesuffix("\n")
        if not path.is_file():
            message = f"expected the annotation of text/{name}.txt, got nothing"
            report(Problem(path, 0, "text-without-annotation", message))
            continue
        # A hyphen in a drug's name would hide the document in the ids of its sentences.
        post_id = f"cadec-{name.replace('-', '_')}"
        if name_of.setdefault(post_id, name) != name:
            other = f"text/{name_of[post_id]}.txt"
            message = f"expected names that differ in more than - and _, got text/{name}.txt too"
            report(Problem(folder / other, 0, "doubled-id", message))
            continue
        found_codes = _read_codes(folder, codes, name, report)
        found, others = _read_mentions(path, text, found_codes, report)
        dropped += others
        if any(each.is_lost_ade for each in found):
            unplaced.add(post_id)
        posts.append(annotate(Post(post_id, text, "en"), post_id, found))
    return Original(tuple(posts), "document", count_types(dropped), frozenset(unplaced))


def _read_mentions(
    path: Path, text: str, codes: Mapping[int, str | None], report: Report
) -> tuple[list[Annotation], list[str]]:
    """What we read of a post's annotations, and the types of the others."""
    found: list[Annotation] = []
    others: list[str] = []
    numbers: set[int] = set()
    for number, kind, offsets, quoted, place in _read_lines(path, "T", report):
        numbers.add(number)
        if kind not in _TYPES:
            others.append(kind)
            continue
        concept_id = codes.get(number)
        mention = None
        if offsets:
            mention = build_mention(offsets, text, quoted, _TYPES[kind], concept_id, place)
        found.append(Annotation(_TYPES[kind], mention, place))
    for number in sorted(codes.keys() - numbers):
        message = f"expected a line T{number} for the codes of TT{number}, got none"
        report(Problem(path, 0, "unknown-id", message))
    return found, others


def _read_codes(folder: Path, codes: Codes, name: str, report: Report) -> dict[int, str | None]:
    path = folder / codes / f"{name}.ann"
    if not path.is_file():
        message = "expected the codes of its mentions, got nothing: they have no concept"
        report(Problem(path, 0, "no-codes", message, "note"))
        return {}
    found: dict[int, str | None] = {}
    for number, head, _, _, place in _read_lines(path, "TT", report):
        concepts = [] if _CONCEPT_LESS in head else _CODE.findall(head)
        if not concepts and _CONCEPT_LESS not in head:
            place.error("bad-annotation", f"expected a code or {_CONCEPT_LESS}, got {head[:40]!r}")
        if len(concepts) > 1:
            place.note("several-concepts", f"the first of {', '.join(concepts)} is kept")
        found[number] = concepts[0] if concepts else None
    return found


def _read_lines(
    path: Path, tag: str, report: Report
) -> Iterator[tuple[int, str, list[tuple[int, int]], str, Place]]:
    """Number, what stands before the offsets, offsets, quotation and place of each annotation.

    A line of ``original`` whose type alone can be read has no offsets.
    """
    for line, row in enumerate(read_text(path, report).split("\n"), start=1):
        if not row.strip() or row.startswith("#"):
            continue
        place = Place(path, line, report)
        found = _LINE.fullmatch(row if row.count("\t") > 1 else _SLOPPY_TAB.sub("\t", row))
        body = _BODY.fullmatch(found["body"]) if found else None
        if not found or not body or found["tag"].rstrip("0123456789") != tag:
            expected = f"{tag}1<tab>{'TYPE' if tag == 'T' else 'CODE'} 9 19;25 30<tab>text"
            place.error("bad-annotation", f"expected a line such as {expected}, got {row[:40]!r}")
            if tag == "T" and (lost := _PLACELESS.match(row)):
                yield int(lost["number"]), lost["type"], [], "", place
            continue
        offsets = [
            (int(start), int(end))
            for start, end in (part.split() for part in body["offsets"].split(";"))
        ]
        quoted = found["quoted"] or ""
        yield int(found["number"]), body["head"].strip(), offsets, quoted, place
