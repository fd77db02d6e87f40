"""A mention's way to its link, readable top to bottom: read, propose, combine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock

import torch

from smm4h_core.drugs.curation import language_of
from smm4h_core.encoders.base import Encoding, Tokeniser
from smm4h_core.encoders.inference import ask_each
from smm4h_core.encoders.precision import Precision, choose_dtype
from smm4h_core.errors import DataError
from smm4h_core.link.candidates import MAX_MENTION, NUM_PROPOSED, read_mention
from smm4h_core.link.classifier import (
    ConceptClassifier,
    mention_text,
    predict_concepts,
    read_answers,
)
from smm4h_core.link.combine import LinkRule, Proposals, combine_links, explain
from smm4h_core.link.index import TermIndex
from smm4h_core.link.join import join_candidates
from smm4h_core.link.lexical import LexicalLinker
from smm4h_core.link.similarity import SimilarityEncoder, Vectors, encode_texts
from smm4h_core.link.terminology import Terminology
from smm4h_core.types import Candidate, Link

Candidates = tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """How members read mentions."""

    tokeniser: Tokeniser
    """Cuts mentions into word-pieces."""
    max_length: int
    """Word-pieces of a mention, with its post where that is read."""
    device: torch.device
    """Where the networks are."""
    dtype: torch.dtype
    """Of matrix products."""


@dataclass(frozen=True, slots=True, eq=False)
class SimilarMember:
    """A similarity encoder with the terms that it knows."""

    network: SimilarityEncoder
    """Makes vectors."""
    index: TermIndex
    """The terminology's terms, perhaps training's mentions among them, by those vectors."""

    def propose(
        self,
        texts: Sequence[str],
        reading: Reading,
    ) -> list[Candidates]:
        """The nearest concepts of each text."""
        encode = partial(
            encode_texts,
            self.network,
            reading.tokeniser,
            max_length=reading.max_length,
            device=reading.device,
            dtype=reading.dtype,
        )
        return nearest_concepts(self.index, encode, texts)


class _OnceTokeniser:
    """Cuts texts into word-pieces once, however many networks read them, perhaps at once."""

    def __init__(self, tokeniser: Tokeniser) -> None:
        self.pad_id = tokeniser.pad_id
        self._tokeniser = tokeniser
        self._cut: dict[tuple[int, tuple[str, ...]], list[Encoding]] = {}
        self._lock = Lock()

    def encode(self, texts: Sequence[str], *, max_length: int) -> list[Encoding]:
        with self._lock:
            wanted = (max_length, tuple(texts))
            if wanted not in self._cut:
                self._cut[wanted] = self._tokeniser.encode(texts, max_length=max_length)
            return self._cut[wanted]

    def save(self, folder: Path) -> None:
        self._tokeniser.save(folder)


@dataclass(frozen=True, slots=True, eq=False)
class ConceptMembers:
    """Concept classifiers of one set of concepts."""

    networks: tuple[ConceptClassifier, ...]
    """``(S,)`` members."""
    concept_ids: tuple[str | None, ...]
    """``(C,)`` in the order of the logits; None where the terminology withdrew the concept."""
    names: tuple[str, ...]
    """``(C,)`` their preferred terms."""
    reads_context: bool
    """Whether they read a mention's post too."""
    cosines: LexicalLinker | None
    """Makes the cosines that they read; None where they read none."""
    precision: Precision
    """Of their matrix products, which are trained apart from the similarity encoder's."""

    def propose(
        self,
        texts: Sequence[str],
        contexts: Sequence[str | None],
        reading: Reading,
    ) -> list[list[Candidates]]:
        """``(S, N)``: the surest concepts of each text, by each member; equals are read once."""
        posts = contexts if self.reads_context else [None] * len(texts)
        pairs = list(zip(texts, posts, strict=True))
        distinct = list(dict.fromkeys(pairs))
        mentions = [text for text, _ in distinct]
        read = [mention_text(*pair) for pair in distinct]
        cosines = (
            self.cosines.greatest_cosines(mentions, self.concept_ids) if self.cosines else None
        )
        predict = partial(
            predict_concepts,
            tokeniser=reading.tokeniser,
            texts=read,
            max_length=reading.max_length,
            device=reading.device,
            dtype=reading.dtype,
            cosines=cosines,
        )
        probs = ask_each(predict, self.networks, device=reading.device)
        answered = (
            read_answers(mentions, each, self.concept_ids, self.names, num_candidates=NUM_PROPOSED)
            for each in probs
        )
        by_pair = [dict(zip(distinct, answers, strict=True)) for answers in answered]
        return [[found[pair].candidates for pair in pairs] for found in by_pair]


@dataclass(frozen=True, slots=True, eq=False)
class MentionLinker:
    """All that linking needs; what is None has no part in it."""

    terminology: Terminology
    """What mentions are linked to."""
    rule: LinkRule
    """How proposals become a link."""
    tokeniser: Tokeniser
    """Cuts mentions into word-pieces."""
    max_length: int
    """Word-pieces of a mention, with its post where that is read."""
    precision: Precision
    """Of the similarity encoders' matrix products, as the configuration has it."""
    similarity: tuple[SimilarMember, ...]
    """Members that propose what is near."""
    classifier: ConceptMembers | None = None
    """Members that propose what training's mentions were linked to."""
    lexical: LexicalLinker | None = None
    """Proposes what is spelt alike, for the learned rule."""

    def __post_init__(self) -> None:
        known = self.terminology.concepts
        for member in self.similarity:
            entries = member.index.entries
            unknown = next((e[0] for e in entries if e and e[0] not in known), None)
            if unknown is not None:
                raise DataError(
                    f"index: expected concepts of {self.terminology.label}, got {unknown!r}"
                )

    def propose(
        self,
        mentions: Sequence[str],
        contexts: Sequence[str | None] | None = None,
        *,
        device: torch.device,
    ) -> list[Proposals]:
        """What each part proposes for each mention; nothing for an empty one.

        Args:
            mentions: Their strings, of any length.
            contexts: The posts that they stand in, where the classifier reads them.
            device: Where the networks are.

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
        reading = Reading(
            *(_OnceTokeniser(self.tokeniser), self.max_length),
            *(device, choose_dtype(self.precision, device)),
        )
        seeking: list[Callable[[], list[Candidates]]] = [
            partial(each.propose, texts, reading) for each in self.similarity
        ]
        if self.lexical is not None:
            seeking.append(partial(_propose_alike, self.lexical, texts))
        if len(self.similarity) > 1:
            found = ask_each(lambda seek: seek(), seeking, device=device)
        else:  # a lone network has all cores
            found = [seek() for seek in seeking]
        near = found[: len(self.similarity)]
        alike = [()] * len(texts) if self.lexical is None else found[-1]
        sure: list[list[Candidates]] = []
        if self.classifier is not None:
            kept = [posts[place] for place in chosen]
            own = choose_dtype(self.classifier.precision, device)
            sure = self.classifier.propose(texts, kept, replace(reading, dtype=own))
        for number, place in enumerate(chosen):
            proposals[place] = join_proposals(
                [member[number] for member in near],
                [member[number] for member in sure],
                alike[number],
            )
        return proposals

    def link(
        self,
        mentions: Sequence[str],
        contexts: Sequence[str | None] | None = None,
        *,
        device: torch.device,
    ) -> list[Link]:
        """One link a mention, in order; NIL for an empty one."""
        proposals = self.propose(mentions, contexts, device=device)
        return combine_links(self.rule, proposals, self.terminology.concepts)

    def explain(self, mention: str, context: str | None = None, *, device: torch.device) -> str:
        """One sentence: which part decided about a mention, by which numbers."""
        if mention.strip() and not read_mention(mention):
            return (
                f"NIL: expected a mention of at most {MAX_MENTION} characters, got {len(mention)}"
            )
        (proposals,) = self.propose([mention], [context], device=device)
        (link,) = combine_links(self.rule, [proposals], self.terminology.concepts)
        return explain(self.rule, proposals, link)


def _propose_alike(lexical: LexicalLinker, texts: Sequence[str]) -> list[Candidates]:
    """What is spelt as each text; equals are sought once."""
    distinct = list(dict.fromkeys(texts))
    spelt = lexical.link(distinct, num_candidates=NUM_PROPOSED)
    found = dict(zip(distinct, spelt, strict=True))
    return [found[text] for text in texts]


def nearest_concepts(
    index: TermIndex, encode: Callable[[Sequence[str]], Vectors], mentions: Sequence[str]
) -> list[Candidates]:
    """What similarity proposes, in evaluation as in serving: none for an empty mention.

    A string is sought once, however many mentions it is; its script tells its language.
    """
    read = [read_mention(mention) for mention in mentions]
    distinct = [text for text in dict.fromkeys(read) if text]
    if not distinct:
        return [()] * len(mentions)
    langs = [language_of(text) for text in distinct]
    nearest = index.link(encode(distinct), langs=langs, num_candidates=NUM_PROPOSED)
    found = dict(zip(distinct, nearest, strict=True))
    return [found.get(text, ()) for text in read]


def join_proposals(
    similarity: Sequence[Candidates], classifier: Sequence[Candidates], lexical: Candidates
) -> Proposals:
    """Members' lists of one mention as proposals, in evaluation as in serving."""
    sure = (
        join_candidates("classifier", classifier, num_candidates=NUM_PROPOSED) if classifier else ()
    )
    near = join_candidates("similarity", similarity, num_candidates=NUM_PROPOSED)
    return Proposals(near, sure, lexical)
