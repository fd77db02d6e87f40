"""A mention's way to its link, readable top to bottom: read, propose, combine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from smm4h_core.errors import DataError
from smm4h_core.link.candidates import read_mention
from smm4h_core.link.classifier import ConceptAnswer
from smm4h_core.link.combine import LinkRule, Proposals, combine_links, explain
from smm4h_core.link.index import TermIndex
from smm4h_core.link.lexical import LexicalLinker
from smm4h_core.link.similarity import Vectors
from smm4h_core.link.terminology import Terminology
from smm4h_core.types import Candidate, Link

NUM_CANDIDATES = 10


@dataclass(frozen=True, slots=True, eq=False)
class MentionLinker:
    """All that linking needs; what is None has no part in it."""

    terminology: Terminology
    """What mentions are linked to."""
    rule: LinkRule
    """How proposals become a link."""
    index: TermIndex
    """The terminology's terms, perhaps training's mentions among them, by their vectors."""
    encode: Callable[[Sequence[str]], Vectors]
    """Mentions to vectors ``(N, H)``, by the encoder that the index was made with."""
    classify: Callable[[Sequence[str], Sequence[str | None]], list[ConceptAnswer]] | None = None
    """Mentions and their posts to the classifier's answers."""
    lexical: LexicalLinker | None = None
    """For the learned rule."""

    def __post_init__(self) -> None:
        known = self.terminology.concepts
        unknown = next((e[0] for e in self.index.entries if e and e[0] not in known), None)
        if unknown is not None:
            raise DataError(
                f"index: expected concepts of {self.terminology.label}, got {unknown!r}"
            )

    def propose(
        self, mentions: Sequence[str], contexts: Sequence[str | None] | None = None
    ) -> list[Proposals]:
        """What each part proposes for each mention; nothing for an empty one.

        Args:
            mentions: Their strings, of any length.
            contexts: The posts that they stand in, where the classifier reads them.

        Raises:
            DataError: contexts that are not one a mention.
        """
        posts = [None] * len(mentions) if contexts is None else list(contexts)
        if len(posts) != len(mentions):
            raise DataError(f"contexts: expected {len(mentions)}, got {len(posts)}")
        read = [read_mention(mention) for mention in mentions]
        chosen = [place for place, text in enumerate(read) if text]
        proposals = [Proposals(())] * len(mentions)
        if not chosen:
            return proposals
        texts = [read[place] for place in chosen]
        near = self.index.link(self.encode(texts), num_candidates=NUM_CANDIDATES)
        nothing: list[tuple[Candidate, ...]] = [()] * len(texts)
        sure = alike = nothing
        if self.classify is not None:
            answers = self.classify(texts, [posts[place] for place in chosen])
            sure = [answer.candidates for answer in answers]
        if self.lexical is not None:
            alike = self.lexical.link(texts, num_candidates=NUM_CANDIDATES)
        for place, *found in zip(chosen, near, sure, alike, strict=True):
            proposals[place] = Proposals(*found)
        return proposals

    def link(
        self, mentions: Sequence[str], contexts: Sequence[str | None] | None = None
    ) -> list[Link]:
        """One link a mention, in order; NIL for an empty one."""
        proposals = self.propose(mentions, contexts)
        return combine_links(
            self.rule, proposals, self.terminology.concepts, num_candidates=NUM_CANDIDATES
        )

    def explain(self, mention: str, context: str | None = None) -> str:
        """One sentence: which part decided about a mention, by which numbers."""
        (proposals,) = self.propose([mention], [context])
        (link,) = combine_links(self.rule, [proposals], self.terminology.concepts)
        return explain(self.rule, proposals, link)
