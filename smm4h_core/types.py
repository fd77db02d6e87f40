"""The domain's objects. Offsets are Unicode code points of the post as received, end exclusive."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Lang = Literal["en", "ru"]
MentionType = Literal["ADE", "DRUG"]
Modifier = Literal["negated", "indication", "hypothetical", "other_person", "history"]
"""What a mention may stand in: see `smm4h_core.extract.context`."""


@dataclass(frozen=True, slots=True)
class Post:
    """One social-media text as received."""

    post_id: str
    """Identifier, unique in its corpus; never parsed as a number (ids exceed 2**53)."""
    text: str
    """The text as received; nothing replaced, nothing stripped."""
    lang: Lang | None = None
    """Language, where the source states it."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """``[start, end)`` in code points of the post as received."""

    start: int
    """First code point of the span."""
    end: int
    """One past the last code point; greater than ``start``."""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span needs 0 <= start < end, got [{self.start}, {self.end})")

    def overlaps(self, other: Span) -> bool:
        """Whether the two spans share a code point (touching is not overlapping)."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Mention:
    """A span with its quoted text and its type."""

    span: Span
    """Where it stands in the post as received; of a discontinuous mention the hull."""
    text: str
    """The quoted text as the annotation or the model gives it."""
    type: MentionType = "ADE"
    """What is mentioned."""
    concept_id: str | None = None
    """Concept of the terminology (a MedDRA PT or a CUI); None where there is none."""
    fragments: tuple[Span, ...] = ()
    """Its parts in order, where it is discontinuous ("pain in ... legs"); empty where it is not."""

    def __post_init__(self) -> None:
        if not self.fragments:
            return
        gaps = pairwise(self.fragments)
        if any(after.start < before.end for before, after in gaps):
            raise ValueError(f"expected fragments in order and apart, got {self.fragments}")
        hull = (self.fragments[0].start, self.fragments[-1].end)
        if hull != (self.span.start, self.span.end):
            raise ValueError(
                f"expected fragments from {self.span.start} to {self.span.end}, as the span says, "
                f"got {hull[0]} to {hull[1]}"
            )
        if len(self.fragments) == 1:  # so that equal mentions compare equal
            object.__setattr__(self, "fragments", ())

    @property
    def parts(self) -> tuple[Span, ...]:
        """Its parts in order: the fragments, or the span where it is contiguous."""
        return self.fragments or (self.span,)


@dataclass(frozen=True, slots=True)
class DrugMention:
    """A drug named in a post."""

    span: Span
    """Where it stands in the post as received."""
    text: str
    """The words as the post has them: ``text[start:end]``."""
    name: str
    """The active ingredient, `Drug.name` in the lexicon."""
    smiles: str | None
    """Its canonical SMILES; None where it has no one molecule or none is known."""


@dataclass(frozen=True, slots=True)
class AnnotatedPost:
    """A post with its gold annotation."""

    post: Post
    """The post."""
    label: bool | None = None
    """Whether it reports an ADE; None where the corpus carries spans only."""
    mentions: tuple[Mention, ...] = ()
    """Gold mentions in order of appearance; empty where none are annotated."""
    group: str | None = None
    """Author, review or article that the post comes from; splits never part a group."""


@dataclass(frozen=True, slots=True)
class AdeDecision:
    """The ensemble's answer to "does this post report an ADE?"."""

    prob: float
    """The ensemble's probability of the positive class, in [0, 1]; a share of votes where the
    rule is a majority vote. How well it is calibrated is in the bundle's scores."""
    is_ade: bool
    """The decision under the bundle's rule and threshold."""
    votes: int
    """Members whose own probability reaches their threshold."""
    num_members: int
    """Members that answered."""


@dataclass(frozen=True, slots=True)
class DrugTie:
    """A drug that a mention is said of."""

    drug: DrugMention
    """The naming of it that tells, of those in the post."""
    score: float
    """How sure, among all drugs that the post names, in [0, 1]; 1 where it is the only one."""


@dataclass(frozen=True, slots=True)
class FoundMention:
    """A mention that the taggers found, and how sure they are of it."""

    mention: Mention
    """Where it stands and what it says."""
    prob: float
    """That this very span is a mention, in [0, 1], as calibrated on the choosing data."""
    votes: int
    """Members that say this very span."""
    num_members: int
    """Members that answered."""
    context: tuple[Modifier, ...] = ()
    """What the words about it say of it: ``negated``; ``indication``, the reason for the drug;
    ``hypothetical``, feared or asked; of an ``other_person``; of ``history``, before the drug."""
    link: Link | None = None
    """The concept that it is linked to, or NIL; None where the bundle holds no linker."""
    drugs: tuple[DrugTie, ...] = ()
    """The drugs that it is said of, each once, in order of appearance: several where they are
    named together; empty where the post names none."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A drug and an effect that is said of it."""

    drug: DrugTie | None
    """The drug; None where the post names none."""
    mention: FoundMention
    """The effect, with its context and its concept."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the pipeline says of one post."""

    post_id: str
    """The post's identifier."""
    lang: Lang | None
    """Language that the post was read in."""
    ade: AdeDecision | None
    """Whether the post reports an ADE; None where the bundle holds no classifier."""
    drugs: tuple[DrugMention, ...]
    """Drugs that it names, in order of appearance."""
    bundle: str
    """``name@version`` of the bundle that answered."""
    mentions: tuple[FoundMention, ...] | None = None
    """ADEs that it mentions, in order of appearance; None where the bundle holds no extractor."""

    def pairs(self) -> tuple[Pair, ...]:
        """Drug by effect: one for each drug that each mention is said of, in order of mentions.

        A mention in a post that names no drug makes a pair without one.
        """
        return tuple(
            Pair(drug, mention)
            for mention in self.mentions or ()
            for drug in mention.drugs or (None,)
        )


@dataclass(frozen=True, slots=True)
class Concept:
    """An entry of a terminology."""

    concept_id: str
    """Its code: a MedDRA PT (HLT, HLGT, SOC in the hierarchy above), an HPO id, a CUI."""
    name: str
    """Its preferred term."""
    parents: tuple[str, ...] = ()
    """Codes of the concepts right above it, the primary one first."""
    level: str | None = None
    """``PT``, ``HLT``, ``HLGT`` or ``SOC`` in MedDRA; None where there are no levels."""
    group: str | None = None
    """Code of a PT's primary SOC; None elsewhere."""
    is_proposed: bool = True
    """Whether a mention may be linked to it: not to groupings, nor to what was withdrawn."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A concept proposed for a mention by one source, or by several merged."""

    concept_id: str
    """The concept."""
    term: str
    """Its term that came nearest to the mention."""
    score: float
    """How near, greater is nearer; its scale is the source's own."""
    source: str
    """What proposed it: ``exact``, ``normalised``, ``ngram``, ``similarity``, ``classifier``."""
    rank: int
    """Its place among the source's candidates, from 1."""
    found_by: tuple[Candidate, ...] = ()
    """What was merged into it, a candidate a source; empty where one source alone proposed it."""


@dataclass(frozen=True, slots=True)
class Link:
    """The decision for a mention."""

    concept_id: str | None
    """The concept; None is NIL: no concept is sure enough, or there is nothing to link."""
    name: str | None
    """Its preferred term; None for NIL."""
    source: str
    """What decided: ``similarity``, ``classifier``, ``learned``; ``nil`` for NIL."""
    score: float
    """How sure, in [0, 1] where the rule is learned; otherwise on the source's own scale."""
    candidates: tuple[Candidate, ...] = ()
    """What was weighed, best first."""
