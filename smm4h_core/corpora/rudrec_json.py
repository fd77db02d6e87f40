"""RuDReC as its authors publish it: ``rudrec_annotated.json``, one JSON object a line.

Tutubalina and others, Bioinformatics (2020). An object is a sentence of a review: ``file_name``,
``sentence_id``, ``text`` and ``entities``. An entity has ``entity_type``, ``entity_text``,
``start`` and ``end`` in the sentence and, where it is linked, ``concept_id``. An object without
``sentence_id`` is a whole review.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from smm4h_core.corpora.original import (
    Annotation,
    Original,
    Place,
    Unit,
    annotate,
    build_mention,
    count_types,
)
from smm4h_core.corpora.plain_text import read_first_line, read_text
from smm4h_core.corpora.problems import Report, refuse
from smm4h_core.types import AnnotatedPost, Mention, MentionType, Post

Codes = Literal["umls", "meddra"]
"""Which concept of an entity: its ``concept_id`` or its ``MedDRA``."""

_TYPES: Mapping[str, MentionType] = {"ADR": "ADE", "Drugname": "DRUG"}
_KEYS = {"umls": "concept_id", "meddra": "MedDRA"}
_NEEDED = ("file_name", "text", "entities")


def is_rudrec(path: Path) -> bool:
    """Whether a file's first line is an object with ``file_name``, ``text`` and ``entities``."""
    if path.suffix.lower() not in (".json", ".jsonl") or not path.is_file():
        return False
    try:
        first = json.loads(read_first_line(path))
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and set(_NEEDED) <= first.keys()


def read_rudrec(path: Path, codes: Codes = "umls", report: Report = refuse) -> Original:
    """Read the sentences, or whole reviews, in the file's order; a review is a group.

    A post is positive where an ADR is annotated, be its offsets sound or not.

    Args:
        path: The file.
        codes: Which concept of an entity to take.
        report: Takes the problems met.

    Raises:
        DataError: from ``report``, at the first error that is not read on.
    """
    posts: list[AnnotatedPost] = []
    dropped: list[str] = []
    unplaced: set[str] = set()
    first: dict[str, int] = {}
    reviews: set[bool] = set()
    for line, row in enumerate(read_text(path, report).split("\n"), start=1):
        place = Place(path, line, report)
        record = _parse(row, place) if row.strip() else None
        if record is None:
            continue
        group = f"rudrec-{PurePosixPath(record['file_name']).stem}"
        sentence_id = record.get("sentence_id")
        post_id = group if sentence_id is None else f"{group}-{sentence_id}"
        reviews.add(sentence_id is None)
        if len(reviews) > 1:
            place.error("mixed-units", "expected a sentence_id in every line or in none")
        if post_id in first:
            message = f"expected each sentence once, got {post_id!r} of line {first[post_id]} again"
            place.error("doubled-id", message)
            continue
        first[post_id] = line
        found: list[Annotation] = []
        for entity in record["entities"] or ():
            kind = entity.get("entity_type") if isinstance(entity, dict) else None
            if not isinstance(kind, str):
                message = f"expected an entity with a string as entity_type, got {kind!r:.40}"
                place.error("bad-annotation", message)
            elif kind in _TYPES:
                mention = _read_entity(entity, record["text"], codes, place)
                found.append(Annotation(_TYPES[kind], mention, place))
            else:
                dropped.append(kind)
        if any(each.is_lost_ade for each in found):
            unplaced.add(post_id)
        posts.append(annotate(Post(post_id, record["text"], "ru"), group, found))
    unit: Unit = "document" if True in reviews else "sentence"
    return Original(tuple(posts), unit, count_types(dropped), frozenset(unplaced))


def _parse(row: str, place: Place) -> dict[str, Any] | None:
    try:
        record = json.loads(row)
    except (ValueError, RecursionError) as error:
        place.error("bad-json", f"expected a JSON object in the line: {error}")
        return None
    if not isinstance(record, dict) or not set(_NEEDED) <= record.keys():
        got = ", ".join(record) if isinstance(record, dict) else type(record).__name__
        place.error("missing-key", f"expected the keys {', '.join(_NEEDED)}, got {got}")
        return None
    texts = isinstance(record["file_name"], str) and isinstance(record["text"], str)
    if not texts or not isinstance(record["entities"], list | None):
        place.error("wrong-type", "expected file_name and text as strings, entities as a list")
        return None
    return record


def _read_entity(
    entity: Mapping[str, Any], text: str, codes: Codes, place: Place
) -> Mention | None:
    start, end, quoted = entity.get("start"), entity.get("end"), entity.get("entity_text")
    if not (isinstance(start, int) and isinstance(end, int) and isinstance(quoted, str)):
        message = f"expected whole numbers as start and end and a text, got {start!r} and {end!r}"
        place.error("bad-annotation", message)
        return None
    concept = entity.get(_KEYS[codes])
    # A missing concept is written as null, as NaN, or not at all.
    concept_id = str(concept).strip() if isinstance(concept, str | int) else ""
    kind = _TYPES[entity["entity_type"]]
    return build_mention([(start, end)], text, quoted, kind, concept_id or None, place)
