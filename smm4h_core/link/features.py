"""What the learned rule knows of a proposed concept: its scores in each list, their agreement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
) -> Iterator[tuple[tuple[Candidate, ...], tuple[float, ...]]]:
    """Every concept that a list proposes: its candidates, and its features as `FEATURES` has them.

    A margin is the lead over the best other concept, negative where another leads. ``agreement``:
    both models have the concept first.
    """
    by_source = [{each.concept_id: each for each in found} for found in (similarity, classifier)]
    words = {each.concept_id: each for each in lexical}
    proposed: dict[str, list[Candidate]] = {}
    for each in (*similarity, *classifier, *lexical):
        proposed.setdefault(each.concept_id, []).append(each)
    near, sure = ([_strength(each) for each in source] for source in (similarity, classifier))
    for concept_id, found in proposed.items():
        mine = [source.get(concept_id) for source in by_source]
        first = [each is not None and each.rank == 1 for each in mine]
        word = words.get(concept_id)
        yield (
            tuple(found),
            (
                _strength(mine[0]),
                _lead(mine[0], near),
                _reciprocal(mine[0]),
                _strength(mine[1]),
                _lead(mine[1], sure),
                _reciprocal(mine[1]),
                float(all(first)),
                _reciprocal(word),
                float(word is not None and word.source in ("exact", "normalised")),
            ),
        )


def _strength(candidate: Candidate | None) -> float:
    """A prob as it is; of a distance ``1 / (1 + distance)``, which needs no scale of its own."""
    if candidate is None:
        return 0.0
    if candidate.source == "similarity":
        return 1 / (1 + max(0.0, -candidate.score))
    return candidate.score


def _lead(candidate: Candidate | None, strengths: Sequence[float]) -> float:
    """Strengths stand in the order of ranks."""
    if candidate is None:
        return 0.0
    other = strengths[0] if candidate.rank > 1 else (strengths[1] if len(strengths) > 1 else 0.0)
    return _strength(candidate) - other


def _reciprocal(candidate: Candidate | None) -> float:
    return 0.0 if candidate is None else 1 / candidate.rank
