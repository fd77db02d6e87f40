"""Members of one kind become one list of candidates: the mean of their scores."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import Literal

from smm4h_core.link.candidates import rank_scored
from smm4h_core.types import Candidate

MemberKind = Literal["similarity", "classifier"]


def join_candidates(
    kind: MemberKind, lists: Sequence[Sequence[Candidate]], *, num_candidates: int
) -> tuple[Candidate, ...]:
    """Candidates by the mean of the members' scores; a member's alone stay as they are.

    A concept that a member does not propose has there, of similarity, the least score that the
    member gives (it is no nearer than that); of the classifier, prob 0.

    Args:
        kind: What the members are.
        lists: ``(S,)`` candidates of each, best first; nothing for an empty mention.
        num_candidates: Most candidates to answer with.
    """
    if len(lists) == 1:
        return tuple(lists[0][:num_candidates])
    scores = [{each.concept_id: each.score for each in found} for found in lists]
    least = [min(s.values(), default=0.0) if kind == "similarity" else 0.0 for s in scores]
    best: dict[str, Candidate] = {}
    for each in (each for found in lists for each in found):
        known = best.get(each.concept_id)
        if known is None or each.score > known.score:
            best[each.concept_id] = each
    joined = (
        (
            concept_id,
            each.term,
            # Exact: the same scores tie in whichever order the members gave them.
            fsum([own.get(concept_id, low) for own, low in zip(scores, least, strict=True)])
            / len(lists),
        )
        for concept_id, each in best.items()
    )
    return rank_scored(joined, kind)[:num_candidates]
