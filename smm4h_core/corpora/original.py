"""What a reader of a public original hands back, and how it places an annotation in its text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from smm4h_core.corpora.problems import Problem, Report
from smm4h_core.types import AnnotatedPost, Mention, MentionType, Post, Span

Unit = Literal["sentence", "document"]
"""What one post of a corpus is: a sentence, or a whole review or forum post."""


@dataclass(frozen=True, slots=True)
class Original:
    """A corpus as its own files have it."""

    posts: tuple[AnnotatedPost, ...]
    """The posts in the files' order; a post's group is the document that it comes from."""
    unit: Unit
    """What a post is in these files."""
    dropped: Mapping[str, int]
    """Annotations of types that are no `MentionType`, by the corpus's own name of the type."""
    unplaced: frozenset[str] = frozenset()
    """Ids of posts with an ADE that could not be placed: any stretch of them may report it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an annotation stands in its file, and who hears of its problems."""

    path: Path
    """The annotation's file."""
    line: int
    """Its line there, or its row in a spreadsheet."""
    report: Report
    """Takes the problems met."""

    def error(self, code: str, message: str) -> None:
        """Report something that the corpus's authors would have to mend."""
        self.report(Problem(self.path, self.line, code, message))

    def note(self, code: str, message: str) -> None:
        """Report something that somebody should look at."""
        self.report(Problem(self.path, self.line, code, message, "note"))


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation of a type that we read."""

    type: MentionType
    """Its type, which is known even where the place is not."""
    mention: Mention | None
    """The mention; None where its offsets were reported and are no stretch of the text."""
    place: Place
    """Where it stands."""

    @property
    def is_lost_ade(self) -> bool:
        """Whether it says that the post reports an ADE, and not where."""
        return self.type == "ADE" and self.mention is None


def annotate(post: Post, group: str, annotations: Sequence[Annotation]) -> AnnotatedPost:
    """Annotate a post, which is positive where an ADE is annotated, be its place lost or not."""
    placed = [(each.mention, each.place) for each in annotations if each.mention is not None]
    label = any(each.type == "ADE" for each in annotations)
    return AnnotatedPost(post, label, keep_once(placed), group)


def build_mention(
    offsets: Sequence[tuple[int, int]],
    text: str,
    quoted: str,
    kind: MentionType,
    concept_id: str | None,
    place: Place,
) -> Mention | None:
    """Build a mention from annotated offsets; they are trusted, its quotation is compared.

    Blanks and line ends do not count in the comparison: annotation tools write them as they like.

    Args:
        offsets: Start and end of its parts, in any order; parts that touch or overlap become one.
        text: The post.
        quoted: What the annotation says that the text has there.
        kind: Type of the mention.
        concept_id: Its concept, if it has one.
        place: Where the annotation stands.

    Returns:
        The mention, or None where its offsets are no stretch of the text.
    """
    for start, end in offsets:
        if not 0 <= start < end <= len(text):
            expected = f"expected 0 <= start < end <= {len(text)}, the text's length"
            place.error("offset-outside", f"{expected}, got [{start}, {end})")
            return None
    parts = merge_spans([Span(start, end) for start, end in offsets])
    found = " ".join(text[part.start : part.end] for part in parts)
    same = _fold(found) == _fold(quoted)
    if not same:
        there = f"{found[:40]!r}, the text at {format_fragments(parts)}"
        message = f"expected {there}, got {quoted[:40]!r}"
        if _fold(found).casefold() == _fold(quoted).casefold():
            place.note("span-case", message)
        else:
            place.error("span-mismatch", message)
    return mention_of(parts, found if same else quoted, kind, concept_id)


def _fold(quoted: str) -> str:
    return "".join(quoted.split())


def merge_spans(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Sort the parts of a mention and join those that touch or overlap."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return tuple(merged)


def mention_of(
    parts: Sequence[Span], quoted: str, kind: MentionType = "ADE", concept_id: str | None = None
) -> Mention:
    """Make a mention of its sorted parts."""
    hull = Span(parts[0].start, parts[-1].end)
    return Mention(hull, quoted, kind, concept_id, fragments=tuple(parts))


def format_fragments(parts: Sequence[Span]) -> str:
    """Format the parts of a mention as brat does: ``9-19;25-30``."""
    return ";".join(f"{part.start}-{part.end}" for part in parts)


def keep_once(mentions: Sequence[tuple[Mention, Place]]) -> tuple[Mention, ...]:
    """Put mentions in order of appearance; an equal one again is reported and left out."""
    first: dict[Mention, int] = {}
    for mention, place in mentions:
        line = first.setdefault(mention, place.line)
        if line != place.line:
            place.note("doubled-span", f"this mention also stands in line {line}")
    return tuple(sorted(first, key=lambda mention: (mention.span, mention.parts)))


def count_types(types: Sequence[str]) -> Mapping[str, int]:
    """Count types by name, in alphabetical order."""
    return dict(sorted(Counter(types).items()))
