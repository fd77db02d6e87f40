"""Candidates by letters: the same words, the same stems, like pieces of words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smm4h_core.drugs.curation import language_of
from smm4h_core.drugs.names import normalise_name
from smm4h_core.errors import DataError
from smm4h_core.extract.stems import stem_word
from smm4h_core.extract.words import find_words
from smm4h_core.link.candidates import merge_by_rank, rank_scored, read_mention, take_best
from smm4h_core.link.ngrams import NgramIndex, build_ngram_index
from smm4h_core.link.terminology import Term, Terminology
from smm4h_core.types import Candidate, Lang


@dataclass(frozen=True, slots=True, eq=False)
class LexicalLinker:
    """A terminology's proposed terms by their letters; make it with `build_lexical_linker`."""

    terms: tuple[Term, ...]
    """``(N,)`` terms."""
    exact: Mapping[str, tuple[int, ...]]
    """Terms by their folded string."""
    normalised: Mapping[str, tuple[int, ...]]
    """Terms by their stems, sorted: word order and endings do not count."""
    ngrams: NgramIndex
    """Terms by the pieces of their words."""

    def link_exact(self, mention: str) -> tuple[Candidate, ...]:
        """Concepts with the very string as a term, case and spacing apart."""
        return self._rank(self.exact.get(fold(mention), ()), "exact")

    def link_normalised(self, mention: str) -> tuple[Candidate, ...]:
        """Concepts with a term of the same stems in whatever order."""
        return self._rank(self.normalised.get(stem_key(mention), ()), "normalised")

    def link_ngrams(
        self, mentions: Sequence[str], *, num_candidates: int
    ) -> list[tuple[Candidate, ...]]:
        """Concepts whose terms share most pieces of words; the score is the cosine, above 0."""
        answers = []
        for mention in mentions:
            cosines = self.ngrams.cosines(fold(mention))
            near = np.flatnonzero(cosines)
            answers.append(self._nearest(near, cosines[near], num_candidates))
        return answers

    def link(
        self, mentions: Sequence[str], *, num_candidates: int = 10
    ) -> list[tuple[Candidate, ...]]:
        """The three kinds merged by rank; nothing for an empty mention."""
        read = [read_mention(mention) for mention in mentions]
        by_ngrams = self.link_ngrams(read, num_candidates=num_candidates)
        return [
            merge_by_rank(
                [self.link_exact(mention), self.link_normalised(mention), ngrams],
                num_candidates=num_candidates,
            )
            for mention, ngrams in zip(read, by_ngrams, strict=True)
        ]

    def greatest_cosines(
        self, mentions: Sequence[str], concept_ids: Sequence[str | None]
    ) -> NDArray[np.float32]:
        """``(B, C)``: each concept's greatest TF-IDF cosine to each mention.

        The features of the lineage's earlier classifier (method, section 5); zero for a concept
        without proposed terms.
        """
        distinct = dict.fromkeys(concept_ids)
        column = {concept_id: place for place, concept_id in enumerate(distinct)}
        chosen = [n for n, each in enumerate(self.terms) if each.concept_id in column]
        columns = np.array([column[self.terms[n].concept_id] for n in chosen], dtype=np.int64)
        features = np.zeros((len(mentions), len(distinct)), dtype=np.float32)
        for row, mention in zip(features, mentions, strict=True):
            cosines = self.ngrams.cosines(fold(read_mention(mention)))
            np.maximum.at(row, columns, cosines[chosen].astype(np.float32))
        return features[:, [column[each] for each in concept_ids]]

    def _rank(self, found: Sequence[int], source: str) -> tuple[Candidate, ...]:
        terms = [self.terms[n] for n in found]
        # Of equal strings the one that is a concept's name goes before another's mere synonym.
        scored = ((t.concept_id, t.term, 1.0 if t.kind == "preferred" else 0.9) for t in terms)
        return rank_scored(scored, source)

    def _nearest(
        self, places: NDArray[np.int64], cosines: NDArray[np.float64], num_candidates: int
    ) -> tuple[Candidate, ...]:
        # Sums of products differ in their last digits with the batch; ties must not.
        rounded = np.round(cosines, 9)
        wanted = num_candidates
        while True:
            wanted *= 4  # a concept has several terms; HPO and MedDRA about three
            if wanted >= len(rounded):
                chosen = np.arange(len(rounded))
            else:
                cut = np.partition(rounded, -wanted)[-wanted]
                chosen = np.flatnonzero(rounded >= cut)
            # Terms stand by concept, so that their places part ties as concepts' ids do.
            ordered = chosen[np.lexsort((places[chosen], -rounded[chosen]))]
            terms = ((self.terms[places[n]], float(rounded[n])) for n in ordered)
            ranked = take_best(
                ((term.concept_id, term.term, cosine) for term, cosine in terms),
                "ngram",
                num_candidates=num_candidates,
            )
            if len(ranked) >= num_candidates or len(chosen) == len(rounded):
                return ranked


def build_lexical_linker(
    terminology: Terminology,
    *,
    lang: Lang | None = None,
    entries: Iterable[tuple[str, str]] | None = None,
) -> LexicalLinker:
    """Index a terminology's proposed terms, of one language or of all.

    Args:
        terminology: What is linked to.
        lang: One language; None takes all.
        entries: Concepts with their terms to index in place of the terminology's own: those of a
            term index, training's mentions among them.

    Raises:
        DataError: it has no such terms.
    """
    terms = terminology.proposed_terms
    if entries is not None:
        known = {(each.concept_id, each.term): each for each in terms}
        terms = tuple(
            known.get((concept_id, term)) or Term(concept_id, term, "lay", language_of(term))
            for concept_id, term in sorted(set(entries))
        )
    terms = tuple(each for each in terms if lang is None or each.lang == lang)
    folded = [fold(each.term) for each in terms]
    if not any(folded):
        raise DataError(
            f"{terminology.label}: expected terms to link to, got none in language {lang or 'any'}"
        )
    exact: dict[str, list[int]] = {}
    normalised: dict[str, list[int]] = {}
    for place, each in enumerate(folded):
        exact.setdefault(each, []).append(place)
        normalised.setdefault(_stems(each), []).append(place)
    for table in (exact, normalised):
        table.pop("", None)
    return LexicalLinker(
        terms,
        {key: tuple(places) for key, places in exact.items()},
        {key: tuple(places) for key, places in normalised.items()},
        build_ngram_index(folded),
    )


def fold(text: str) -> str:
    """A string as drug names are compared: case, dashes, apostrophes and spaces made alike."""
    return normalise_name(text)


def stem_key(text: str) -> str:
    """Its words' stems, sorted, each once."""
    return _stems(fold(text))


def _stems(folded: str) -> str:
    return " ".join(sorted({stem_word(folded[start:end]) for start, end in find_words(folded)}))
