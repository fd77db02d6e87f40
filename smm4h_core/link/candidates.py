"""Candidates of several sources merged by rank: their scores have no common scale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smm4h_core.encoders.base import replace_surrogates
from smm4h_core.errors import DataError
from smm4h_core.types import Candidate

RECIPROCAL_OFFSET = 60
"""``k`` of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009, section 2)."""
NUM_PROPOSED = 20
"""Concepts that each part proposes for a mention, in evaluation as in serving."""
MAX_MENTION = 1000
"""Characters of a mention that are read; the longest one in our corpora has some 300."""


def rank_scored(scored: Iterable[tuple[str, str, float]], source: str) -> tuple[Candidate, ...]:
    """Candidates of ``(concept_id, term, score)``, a concept once, by its best term.

    Equal scores stand in order of their concept's id, then of the term: never of memory.
    """
    best: dict[str, tuple[float, str]] = {}
    for concept_id, term, score in scored:
        known = best.get(concept_id)
        if known is None or (-score, term) < known:
            best[concept_id] = -score, term
    ordered = sorted((negated, concept_id, term) for concept_id, (negated, term) in best.items())
    return tuple(
        Candidate(concept_id, term, 0.0 - negated, source, rank)
        for rank, (negated, concept_id, term) in enumerate(ordered, start=1)
    )


def take_best(
    ordered: Iterable[tuple[str, str, float]], source: str, *, num_candidates: int
) -> tuple[Candidate, ...]:
    """The first concepts of ``(concept_id, term, score)``, which stand as `rank_scored` orders."""
    best: dict[str, Candidate] = {}
    for concept_id, term, score in ordered:
        if concept_id not in best:
            best[concept_id] = Candidate(concept_id, term, score, source, len(best) + 1)
            if len(best) == num_candidates:
                break
    return tuple(best.values())


def merge_by_rank(
    lists: Sequence[Sequence[Candidate]],
    *,
    num_candidates: int,
    weights: Sequence[float] | None = None,
) -> tuple[Candidate, ...]:
    """One list by reciprocal rank fusion: the score is the sum of ``weight / (60 + rank)``.

    A merged candidate keeps what found it in ``found_by``; its source and term are those of the
    best rank, of equal ranks the earlier list's.

    Args:
        lists: Candidates of each source, best first.
        num_candidates: Most candidates to answer with.
        weights: One a list; None counts all alike.

    Raises:
        DataError: weights that are not one a list.
    """
    if weights is not None and len(weights) != len(lists):
        raise DataError(f"weights: expected {len(lists)}, one a list, got {len(weights)}")
    found: dict[str, list[Candidate]] = {}
    scores: dict[str, float] = {}
    for weight, candidates in zip(weights or [1.0] * len(lists), lists, strict=True):
        for each in candidates:
            found.setdefault(each.concept_id, []).append(each)
            gain = weight / (RECIPROCAL_OFFSET + each.rank)
            scores[each.concept_id] = scores.get(each.concept_id, 0.0) + gain
    ordered = sorted(scores, key=lambda concept_id: (-scores[concept_id], concept_id))
    merged = []
    for rank, concept_id in enumerate(ordered[:num_candidates], start=1):
        by_source = found[concept_id]
        best = by_source[0]
        if len(by_source) > 1:
            best = min(by_source, key=lambda each: each.rank)
        merged.append(
            Candidate(
                concept_id, best.term, scores[concept_id], best.source, rank, tuple(by_source)
            )
        )
    return tuple(merged)


def read_mention(text: str) -> str:
    """A mention as linkers read it, stripped.

    Empty where there is nothing to link, or more than a mention can be (`MAX_MENTION`): the answer
    is NIL then. U+FFFD stands for half of a surrogate pair, which no table of terms can hold.
    """
    stripped = " ".join(replace_surrogates(text).split())
    return stripped if len(stripped) <= MAX_MENTION else ""
