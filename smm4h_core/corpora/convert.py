"""Turn a public original into SMM4H shape: ``train``, ``dev`` and ``test`` that do not leak."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from smm4h_core.corpora.formats import Format, read_original
from smm4h_core.corpora.original import Unit
from smm4h_core.corpora.problems import Problem, tolerate
from smm4h_core.corpora.sentences import join_sentences, split_documents
from smm4h_core.corpora.smm4h import write_annotated
from smm4h_core.corpora.splits import split
from smm4h_core.corpora.tsv import flatten_cell
from smm4h_core.errors import ConfigError, DataError
from smm4h_core.types import AnnotatedPost

PARTS = ("train", "dev", "test")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class PartCounts:
    """What one part of a converted corpus holds."""

    posts: int
    """Posts."""
    positive: int
    """Posts with an ADE; in a corpus without labels, posts with a mention."""
    spans: int
    """Contiguous mentions."""
    fragments: int
    """Mentions in parts."""
    concepts: int
    """Mentions of either kind that have a concept."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was converted, and what was not."""

    unit: Unit
    """What a post is."""
    parts: Mapping[str, PartCounts]
    """Counts of ``train``, ``dev`` and ``test``."""
    dropped: Mapping[str, int]
    """Annotations that were not converted, by the corpus's own name of their type or ours."""
    repeats: int
    """Posts whose words an earlier post has in the same order; they were left out."""
    flattened: int
    """Posts in which tabs or line ends became blanks, one for one."""
    empty: int
    """Posts without any text; they were left out."""
    near_duplicates: int
    """Posts that have a near-duplicate; it stands in the same part."""
    problems: tuple[Problem, ...]
    """What was wrong in the original, by file and line; errors cost one annotation each."""


def convert(
    source: Path,
    out: Path,
    *,
    source_format: Format | None = None,
    concepts: str | None = None,
    unit: Unit | None = None,
    dev: float = 0.15,
    test: float = 0.2,
    seed: int = 0,
) -> Conversion:
    """Convert a corpus; equal inputs give equal bytes.

    The parts are :func:`smm4h_core.corpora.splits.split`'s: no document and no cluster of
    near-duplicates is parted. Posts that repeat another's words are left out first, because short
    sentences that everybody writes would tie all documents together.

    Args:
        source: The original's folder or file.
        out: A new or empty folder, which will hold ``train``, ``dev`` and ``test``.
        source_format: Whose shape the source has; None to tell it by its shape.
        concepts: Which of the corpus's concepts to take; None for its first.
        unit: What a post will be; None for what it is in the original.
        dev: Share of the development part.
        test: Share of the test part.
        seed: Seed of the parts.

    Raises:
        ConfigError: shares that leave no training part; concepts that the corpus has not.
        DataError: ``out`` holds data; the source cannot be read; there are too few documents.
    """
    if not (dev > 0 and test > 0 and dev + test < 1):
        raise ConfigError(f"expected dev and test above 0 and below 1 together, got {dev}, {test}")
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise DataError(f"{out}: expected a new or empty folder, got one that holds data")
    problems: list[Problem] = []
    original = read_original(source, source_format, concepts, tolerate(problems))
    unit = unit or original.unit
    posts: Sequence[AnnotatedPost] = original.posts
    if unit != original.unit:
        posts = [
            *(
                split_documents(posts, whole=original.unplaced)
                if unit == "sentence"
                else join_sentences(posts)
            )
        ]
    ades = [_keep_ades(post) for post in posts]
    num_drugs = _count_mentions(posts) - _count_mentions(ades)
    with_text = [post for post in ades if post.post.text.strip()]
    unique = _drop_repeats(with_text)
    flat = [_flatten(post) for post in unique]
    partition = split(flat, (1 - dev - test, dev, test), seed)
    parts = {name: partition.select(flat, number) for number, name in enumerate(PARTS)}
    _write(out, parts)
    return Conversion(
        unit=unit,
        parts={name: _count(members) for name, members in parts.items()},
        dropped={**original.dropped, **({"DRUG": num_drugs} if num_drugs else {})},
        repeats=len(with_text) - len(unique),
        flattened=sum(
            old.post.text != new.post.text for old, new in zip(unique, flat, strict=True)
        ),
        empty=len(ades) - len(with_text),
        near_duplicates=partition.num_near_duplicates,
        problems=tuple(sorted(set(problems))),
    )


def _keep_ades(post: AnnotatedPost) -> AnnotatedPost:
    return replace(post, mentions=tuple(each for each in post.mentions if each.type == "ADE"))


def _count_mentions(posts: Sequence[AnnotatedPost]) -> int:
    return sum(len(post.mentions) for post in posts)


def _drop_repeats(posts: Sequence[AnnotatedPost]) -> list[AnnotatedPost]:
    first: dict[tuple[str, ...], AnnotatedPost] = {}
    for post in posts:
        folded = post.post.text.casefold()
        first.setdefault(tuple(_WORD.findall(folded) or folded.split()), post)
    return list(first.values())


def _flatten(post: AnnotatedPost) -> AnnotatedPost:
    text = flatten_cell(post.post.text)
    mentions = tuple(replace(each, text=flatten_cell(each.text)) for each in post.mentions)
    return replace(post, post=replace(post.post, text=text), mentions=mentions)


def _count(posts: Sequence[AnnotatedPost]) -> PartCounts:
    mentions = [mention for post in posts for mention in post.mentions]
    return PartCounts(
        posts=len(posts),
        positive=sum(bool(p.mentions) if p.label is None else p.label for p in posts),
        spans=sum(not mention.fragments for mention in mentions),
        fragments=sum(bool(mention.fragments) for mention in mentions),
        concepts=sum(mention.concept_id is not None for mention in mentions),
    )


def _write(out: Path, parts: Mapping[str, Sequence[AnnotatedPost]]) -> None:
    # A folder beside takes the parts, which come into place once all of them are whole.
    out = out.resolve()
    unfinished = out.with_name(f"{out.name}.{uuid4().hex}.partial")
    try:
        for name, posts in parts.items():
            write_annotated(unfinished / name, posts, "1c")
        if out.is_dir():
            for name in parts:
                (unfinished / name).rename(out / name)
        else:
            unfinished.rename(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
