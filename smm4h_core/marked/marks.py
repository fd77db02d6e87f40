"""What a report says of a post's words, in the order in which a reader meets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smm4h_core.corpora.shapes import format_label
from smm4h_core.marked.printable import make_printable
from smm4h_core.types import (
    DrugMention,
    FoundMention,
    MentionType,
    Modifier,
    Post,
    Report,
    Span,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A drug or a mention, ready to be shown; all its texts are printable."""

    number: int
    """From 1, in order of appearance."""
    type: MentionType
    """What is marked."""
    parts: tuple[Span, ...]
    """Where it stands in the post, in order and apart."""
    words: str
    """The post's words there; parts are joined by `` ... ``."""
    meaning: str
    """The drug's ingredient, or the concept's id and name; NIL where there is no concept; empty
    where nothing was linked."""
    prob: float | None = None
    """That it is a mention, in [0, 1]; None of drugs, which are found by name."""
    votes: tuple[int, int] | None = None
    """Members that say so, and of all; None of drugs."""
    context: tuple[Modifier, ...] = ()
    """What the words about it say of it."""
    said_of: tuple[str, ...] = ()
    """The drugs that it is said of, by type, number and name."""

    @property
    def label(self) -> str:
        """Its type, its number and its context: ``ADE 2, negated``."""
        return ", ".join((f"{self.type} {self.number}", *map(name_modifier, self.context)))

    def label_of(self, end: int) -> str:
        """The label of the part that ends there; dots are on the side where other parts are."""
        before = "… " if end > self.parts[0].end else ""
        after = " …" if end < self.parts[-1].end else ""
        return f"{before}{self.label}{after}"


def marks_of(post: Post, report: Report) -> list[Mark]:
    """Drugs and mentions in order of appearance; of two that begin together the longer is first.

    Raises:
        ValueError: a span that reaches beyond the post, whose report this cannot be.
    """
    found: list[DrugMention | FoundMention] = [*report.drugs, *(report.mentions or ())]
    found.sort(key=_place)
    numbers = {
        each: number for number, each in enumerate(found, 1) if isinstance(each, DrugMention)
    }
    marks = []
    for number, each in enumerate(found, start=1):
        parts = _parts(each)
        if parts[-1].end > len(post.text):
            raise ValueError(
                f"expected the report of post {post.post_id!r}, of {len(post.text)} code points; "
                f"got one with a span to {parts[-1].end}"
            )
        words = make_printable(" ... ".join(post.text[part.start : part.end] for part in parts))
        if isinstance(each, DrugMention):
            marks.append(Mark(number, "DRUG", parts, words, make_printable(each.name)))
            continue
        drugs = [tie.drug for tie in each.drugs]
        marks.append(
            Mark(
                number,
                each.mention.type,
                parts,
                words,
                make_printable(_concept(each)),
                each.prob,
                (each.votes, each.num_members),
                each.context,
                tuple(make_printable(f"DRUG {numbers[drug]} {drug.name}") for drug in drugs),
            )
        )
    return marks


def describe_decision(report: Report) -> str:
    """Whether the post reports an ADE, with prob and votes; empty without a classifier."""
    if report.ade is None:
        return ""
    ade = report.ade
    label = format_label(ade.is_ade, "1a")
    return f"{label}, prob {ade.prob:.2f}, votes {ade.votes} of {ade.num_members}"


def describe_mark(mark: Mark) -> str:
    """All that is known of a mark but its type and number."""
    said = [f'"{mark.words}"']
    said += [mark.meaning] * bool(mark.meaning)
    said += [f"of {' and '.join(mark.said_of)}"] * bool(mark.said_of)
    if mark.prob is not None and mark.votes is not None:
        said += [f"prob {mark.prob:.2f}", f"votes {mark.votes[0]} of {mark.votes[1]}"]
    return ", ".join((*said, *map(name_modifier, mark.context)))


def name_modifier(modifier: Modifier) -> str:
    """A context in plain words."""
    return modifier.replace("_", " ")


def crossing(marks: Sequence[Mark]) -> frozenset[int]:
    """Numbers of marks of which a part begins inside another's and ends outside it, and those."""
    parts = sorted((part, mark.number) for mark in marks for part in mark.parts)
    crossed: set[int] = set()
    for place, (one, number) in enumerate(parts):
        for other, other_number in parts[place + 1 :]:
            if other.start >= one.end:
                break
            if one.start < other.start and one.end < other.end:
                crossed |= {number, other_number}
    return frozenset(crossed)


def _place(each: DrugMention | FoundMention) -> tuple[int, int]:
    parts = _parts(each)
    return parts[0].start, -parts[-1].end


def _parts(each: DrugMention | FoundMention) -> tuple[Span, ...]:
    return (each.span,) if isinstance(each, DrugMention) else each.mention.parts


def _concept(found: FoundMention) -> str:
    if found.link is None:
        return found.mention.concept_id or ""
    if found.link.concept_id is None:
        return "NIL"
    return " ".join(filter(None, (found.link.concept_id, found.link.name)))
