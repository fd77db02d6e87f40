"""The columns, labels and ids of the SMM4H shared tasks, 2019 to 2022."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Task = Literal["1a", "1b", "1c", "2"]
"""1a English posts, 1b spans, 1c spans with concepts, 2 Russian posts."""

ALIASES: Mapping[str, str] = {
    "class": "label",
    "type": "label",
    "begin": "start",
    "extraction": "span",
    "meddra_code": "ptid",
}
"""Column names of older files to those of 2021."""

LABEL_COLUMNS = ("tweet_id", "label")
POST_COLUMNS = ("tweet_id", "tweet")
SPAN_COLUMNS = ("tweet_id", "label", "start", "end", "span")
CONCEPT_COLUMNS = (*SPAN_COLUMNS, "ptid")
FRAGMENT_COLUMNS = ("tweet_id", "label", "fragments", "span")
"""Ours: a mention in parts, ``9-19;25-30``, which no file of the tasks can hold."""
ALL_COLUMNS = frozenset((*CONCEPT_COLUMNS, "tweet", "user_id", "group", "drug", "meddra_term"))
"""Every column that a file of some task or year has; a column outside is a mistake."""

_LABELS = {"ade": True, "adr": True, "1": True, "noade": False, "0": False}
_BLANK = frozenset(("", "-"))
_SENTENCE_ID = re.compile(r"(?P<source>[A-Za-z][^-]*-[^-]*\d[^-]*)-[a-z]?\d+")


def is_blank(cell: str) -> bool:
    """Whether a cell of a span stands empty: nothing, or the ``-`` of the 2019 and 2020 files."""
    return cell.strip() in _BLANK


def parse_label(cell: str) -> bool | None:
    """Parse ``ADE``, ``ADR``, ``1`` or ``NoADE``, ``0`` in any case; None for anything else."""
    return _LABELS.get(cell.strip().lower())


def format_label(label: bool, task: Task) -> str:
    """Format a label as the task spells it: ``1`` and ``0`` in task 2, words elsewhere."""
    if task == "2":
        return "1" if label else "0"
    return "ADE" if label else "NoADE"


def group_of(post_id: str) -> str:
    """Name the document that a post is a sentence of, from its id alone.

    An id of the form ``corpus-document-sentence`` (the corpus begins with a letter, the document
    holds a digit, the sentence is a number with at most one letter before it) belongs to
    ``corpus-document``: ``ade2-10048291-p1`` to ``ade2-10048291``. Any other id, a tweet's among
    them, is a group of its own.
    """
    match = _SENTENCE_ID.fullmatch(post_id)
    return match["source"] if match else post_id
