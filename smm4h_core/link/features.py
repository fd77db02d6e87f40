"""What the learned rule knows of a proposed concept: its scores in each list, their agreement."""

from __future__ import annotations

from collections.abc import Sequence

from smm4h_core.types import Candidate

FEATURES = (
    "similarity_nearness",
    "similarity_margin",
    "similarity_rank",
    "classifier_prob",
    "classifier_margin",
    "classifier_rank",
    "agreement",
    "lexical_rank",
    "same_words",
)
"""All in [0, 1], or [-1, 1] for margins; 0 where a list does not propose the concept."""
NUM_FEATURES = len(FEATURES)


def pair_features(
    similarity: Sequence[Candidate], classifier: Sequence[Candidate], lexical: Sequence[Candidate]
) -> dict[str, tuple[float, ...]]:
    """Features, as `FEATURES` has them, of every concept that a list proposes.

    A margin is the lead over the best other concept, negative where another leads. ``agreement``:
    both models have the concept first.
    """
    near, sure = _traits(similarity), _traits(classifier)
    words = {
        each.concept_id: (1 / each.rank, float(each.source in ("exact", "normalised")))
        for each in lexical
    }
    return {
        concept_id: (
            *(close := near.get(concept_id, _ABSENT)),
            *(learnt := sure.get(concept_id, _ABSENT)),
            float(close[2] == learnt[2] == 1),
            *words.get(concept_id, (0.0, 0.0)),
        )
        for concept_id in {**near, **sure, **words}
    }


_ABSENT = (0.0, 0.0, 0.0)


def _traits(candidates: Sequence[Candidate]) -> dict[str, tuple[float, float, float]]:
    """By concept: its strength, its lead over the best other, ``1 / rank``."""
    strengths = [_strength(each) for each in candidates]
    first, second = (*strengths[:2], 0.0, 0.0)[:2]
    return {
        each.concept_id: (
            strength,
            strength - (first if each.rank > 1 else second),
            1 / each.rank,
        )
        for each, strength in zip(candidates, strengths, strict=True)
    }


def _strength(candidate: Candidate) -> float:
    """A prob as it is; of a distance ``1 / (1 + distance)``, which needs no scale of its own."""
    if candidate.source == "similarity":
        return 1 / (1 + max(0.0, -candidate.score))
    return candidate.score
