"""Measures of linking: accuracy among the first candidates, by whether training saw the concept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smm4h_core.errors import DataError
from smm4h_core.evaluation.counts import CountRows
from smm4h_core.evaluation.intervals import (
    Interval,
    percentile_interval,
    resample_totals,
    sum_by_group,
)
from smm4h_core.types import Candidate, Link

FIRST = 5
"""Candidates that ``acc_5`` looks at."""


@dataclass(frozen=True, slots=True)
class LinkingScore:
    """How often the gold concept was answered, over some mentions."""

    acc_1: float
    """Share whose answer is the gold concept; a mention without one wants NIL."""
    acc_5: float
    """Share with the gold concept among the first five candidates, or NIL rightly answered."""
    mrr: float
    """Mean of ``1 / rank`` of the gold concept among the candidates; 0 where it is not there."""
    answered: float
    """Share that was not answered with NIL."""
    n: int
    """Mentions."""
    acc_1_interval: Interval | None
    """95 % bootstrap interval of ``acc_1``; None where there are no mentions."""
    acc_5_interval: Interval | None
    """The same of ``acc_5``."""


@dataclass(frozen=True, slots=True)
class LinkingScores:
    """All mentions, and apart those whose concept training had and had not."""

    all: LinkingScore
    """Every mention."""
    seen: LinkingScore
    """Mentions of concepts in training."""
    unseen: LinkingScore
    """Mentions of other concepts."""
    nil: LinkingScore
    """Mentions without a concept."""


def links_of(candidates: Sequence[Sequence[Candidate]]) -> list[Link]:
    """Links that answer with the first candidate; NIL where there is none."""
    return [
        Link(each[0].concept_id, None, each[0].source, each[0].score, tuple(each))
        if each
        else Link(None, None, "nil", 0.0)
        for each in candidates
    ]


def score_links(
    gold: Sequence[str | None],
    links: Sequence[Link],
    *,
    seen: Collection[str],
    concept_of_code: Mapping[str, str] | None = None,
    groups: Sequence[str | None] | None = None,
    num_resamples: int = 2000,
    seed: int = 0,
) -> LinkingScores:
    """Score links against gold codes.

    The answer, where it is a concept, counts as the first candidate; the others follow in order.

    Args:
        gold: Each mention's code; None where NIL is right.
        links: What was answered.
        seen: Codes of training's mentions.
        concept_of_code: Codes to concepts (`Terminology.concept_of_code`): MedDRA's LLTs, gold ones
            and answered ones, then count as their PT. None compares codes as they are.
        groups: Post, author or article of each mention, drawn as a whole by the bootstrap.
        num_resamples: Of the bootstrap.
        seed: Of its draws.

    Raises:
        DataError: no mentions, lengths that disagree, or a gold code that the terminology lacks.
    """
    if not gold or len(gold) != len(links):
        raise DataError(f"links: expected one for each of {len(gold)} mentions, got {len(links)}")
    wanted = [None if code is None else _concept(code, concept_of_code) for code in gold]
    known = {_concept(code, concept_of_code) for code in seen}
    ranks = np.array(
        [_rank(want, link, concept_of_code) for want, link in zip(wanted, links, strict=True)]
    )
    answered = np.array([link.concept_id is not None for link in links])
    is_nil = np.array([want is None for want in wanted])
    is_seen = np.array([want in known for want in wanted])

    def score(chosen: NDArray[np.bool_]) -> LinkingScore:
        grouped = None if groups is None else [g for g, c in zip(groups, chosen, strict=True) if c]
        return _score(ranks[chosen], answered[chosen], grouped, num_resamples, seed)

    return LinkingScores(
        all=score(np.ones(len(gold), dtype=np.bool_)),
        seen=score(is_seen & ~is_nil),
        unseen=score(~is_seen & ~is_nil),
        nil=score(is_nil),
    )


def count_links(gold: Sequence[str | None], answers: Sequence[str | None]) -> CountRows:
    """Rows ``(M, 3)`` of (tp, fp, fn) by mention; their F1 is acc@1 where all want a concept.

    Args:
        gold: Each mention's concept; None where NIL is right.
        answers: The concepts answered; None for NIL.
    """
    pairs = list(zip(answers, gold, strict=True))
    right = np.array([answer is not None and answer == want for answer, want in pairs])
    answered = np.array([answer is not None for answer, _ in pairs])
    wanted = np.array([want is not None for _, want in pairs])
    return np.stack([right, answered & ~right, wanted & ~right], axis=1).astype(np.int64)


def _concept(code: str, concept_of_code: Mapping[str, str] | None) -> str:
    if concept_of_code is None:
        return code
    if code not in concept_of_code:
        raise DataError(f"gold: expected codes of the terminology, got {code!r}")
    return concept_of_code[code]


def _rank(want: str | None, link: Link, concept_of_code: Mapping[str, str] | None) -> int:
    """Rank of what is wanted, from 1; 0 where it was not answered at all."""
    if want is None:
        return int(link.concept_id is None)
    answer = [] if link.concept_id is None else [link.concept_id]
    codes = [*answer, *(each.concept_id for each in link.candidates)]
    # Several LLTs of one PT are one answer.
    order = dict.fromkeys((concept_of_code or {}).get(code, code) for code in codes)
    place = {code: rank for rank, code in enumerate(order, start=1)}
    rank = place.get(want, 0)
    # NIL is a wrong answer, whatever stands among its candidates: its first is not an answer.
    return rank + 1 if rank and link.concept_id is None else rank


def _score(
    ranks: NDArray[np.int64],
    answered: NDArray[np.bool_],
    groups: Sequence[str | None] | None,
    num_resamples: int,
    seed: int,
) -> LinkingScore:
    if not len(ranks):
        return LinkingScore(0.0, 0.0, 0.0, 0.0, 0, None, None)
    first, among = ranks == 1, (ranks >= 1) & (ranks <= FIRST)
    reciprocal = np.divide(1.0, ranks, out=np.zeros(len(ranks)), where=ranks > 0)
    rows = np.stack([first, among, np.ones(len(ranks))], axis=1).astype(np.int64)
    totals = resample_totals(sum_by_group(rows, groups), num_resamples=num_resamples, seed=seed)
    intervals = (percentile_interval(totals[:, n] / totals[:, 2], 0.95) for n in (0, 1))
    return LinkingScore(
        float(first.mean()),
        float(among.mean()),
        float(reciprocal.mean()),
        float(answered.mean()),
        len(ranks),
        *intervals,
    )
