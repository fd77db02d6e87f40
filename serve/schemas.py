"""Bodies of requests and answers, as the OpenAPI tells of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serve.limits import Limits
from smm4h_core.types import Lang, Modifier


def _most(name: str) -> int:
    """The greatest value that a limit can be set to; the limit itself is looked at later."""
    bound: int = next(m.le for m in Limits.model_fields[name].metadata if hasattr(m, "le"))
    return bound


Text = Annotated[str, Field(max_length=_most("post_chars"))]
PostId = Annotated[str, Field(min_length=1, max_length=_most("id_chars"))]
EXAMPLE_TEXT = "seroquel made me sleep 14 hours and my arms went numb"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class PostIn(_Body):
    """A post."""

    text: Text
    """The post as received; offsets in the answer are its Unicode code points."""
    post_id: PostId | None = None
    """How the answer calls it; its place from 1 if left out."""
    lang: Lang | None = None
    """Its language; detected if left out."""


class OnePost(PostIn):
    """A request with one post."""

    model_config = ConfigDict(json_schema_extra={"example": {"text": EXAMPLE_TEXT}})

    extract_all: bool = False
    """Seek mentions even where the classifier says that the post reports no ADE."""


class ManyPosts(_Body):
    """A request with several posts."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"posts": [{"post_id": "17", "text": EXAMPLE_TEXT}]}}
    )

    posts: Annotated[list[PostIn], Field(max_length=_most("posts"))]
    """The posts; ``GET /v1/limits`` says how many."""
    extract_all: bool = False
    """Seek mentions even where the classifier says that a post reports no ADE."""


class MentionIn(_Body):
    """A mention given as a string."""

    text: Annotated[str, Field(max_length=_most("mention_chars"))]
    """What somebody calls an effect."""
    post: Text | None = None
    """The post that it stands in, for linkers that read it."""
    lang: Lang | None = None
    """Its language; detected if left out."""


class Mentions(_Body):
    """A request with mentions to link."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"mentions": [{"text": "my arms went numb"}]}}
    )

    mentions: Annotated[list[MentionIn], Field(max_length=_most("posts"))]
    """The mentions."""


class SourceOut(_Body):
    """What one source said of a concept."""

    term: str
    """The concept's term that came nearest."""
    source: str
    """What proposed it: ``exact``, ``ngram``, ``similarity``, ``classifier``; ``learned`` joins."""
    rank: int
    """Its place among the source's candidates, from 1."""
    score: float
    """How near, on the source's own scale; greater is nearer."""


class CandidateOut(SourceOut):
    """A concept that was weighed."""

    concept_id: str
    """Its code."""
    found_by: list[SourceOut]
    """What was joined into it; empty where one source alone proposed it."""


class LinkOut(_Body):
    """The concept that a mention is linked to."""

    concept_id: str | None
    """Its code; null is NIL: no concept is sure enough."""
    name: str | None
    """Its preferred term."""
    source: str
    """What decided."""
    score: float
    """How sure."""
    candidates: list[CandidateOut]
    """What was weighed, best first."""


class AdeOut(_Body):
    """Whether a post reports an ADE."""

    prob: float
    """The ensemble's."""
    label: Literal["ADE", "NoADE"]
    """The decision."""
    votes: tuple[int, int]
    """Members that say so, of how many."""


class DrugOut(_Body):
    """A drug that a post names."""

    start: int
    """First code point."""
    end: int
    """One past the last."""
    text: str
    """The words."""
    name: str
    """The active ingredient."""
    smiles: str | None
    """Its molecule."""


class TieOut(_Body):
    """A drug that a mention is said of."""

    start: int
    """Where the naming of it that tells begins."""
    end: int
    """One past where it ends."""
    name: str
    """The active ingredient."""
    score: float
    """How sure, among all drugs that the post names."""


class MentionOut(_Body):
    """An ADE that a post mentions."""

    # Keys that later versions add are no reason to refuse an answer.
    model_config = ConfigDict(extra="allow")

    start: int
    """First code point."""
    end: int
    """One past the last."""
    text: str
    """The words."""
    type: str
    """``ADE``."""
    fragments: list[list[int]]
    """Its parts, where it is discontinuous."""
    prob: float
    """That this very span is a mention."""
    votes: tuple[int, int]
    """Members that say this span, of how many."""
    context: list[Modifier]
    """What the words about it say of it."""
    drugs: list[TieOut]
    """The drugs that it is said of; empty where the post names none."""
    link: LinkOut | None
    """Its concept; null where the bundle holds no linker, or none was asked."""


class ReportOut(_Body):
    """What is said of one post."""

    model_config = ConfigDict(extra="allow")

    post_id: str
    """As given, or its place."""
    lang: Lang | None
    """The language that it was read in."""
    ade: AdeOut | None
    """The decision; null where the bundle holds no classifier, or none was asked."""
    drugs: list[DrugOut]
    """Drugs that it names."""
    mentions: list[MentionOut] | None
    """ADEs that it mentions; null where the bundle holds no extractor, or none was asked."""
    bundle: str
    """``name@version``."""


class ReportsOut(_Body):
    """Reports of several posts, in their order."""

    reports: list[ReportOut]
    """One a post."""


class LinksOut(_Body):
    """Links of several mentions, in their order."""

    links: list[LinkOut]
    """One a mention."""
    bundle: str
    """``name@version``."""


class BundleOut(_Body):
    """The bundle in use."""

    name: str
    """What it is called."""
    version: str
    """Which one of that name."""
    sha256: str
    """Digest of its manifest."""
    languages: list[Lang]
    """Languages that it answers."""
    created: str
    """When."""
    terminology: dict[str, str] | None
    """What mentions are linked to, by part."""
    parts: dict[str, Any]
    """Task, encoder, members, rule and scores of each."""
