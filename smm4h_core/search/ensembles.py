"""Ensembles of stored predictions, each scored on posts that had no part in fitting it.

A candidate says how to choose members, how to join them and where to cut. All three are done anew
in every fold of a group-aware cross-validation, so its F1 is that of posts held out from every
choice. Only the choice among candidates remains flattering.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smm4h_core.classify.ensemble import (
    FIXED_THRESHOLD,
    Kind,
    Rule,
    ThresholdChooser,
    Tie,
    combine,
    fit_rule,
)
from smm4h_core.classify.probability import BoolArray, Prob
from smm4h_core.evaluation.classification import count_labels, score_labels
from smm4h_core.evaluation.intervals import Interval, bootstrap_intervals
from smm4h_core.evaluation.thresholds import choose_threshold
from smm4h_core.members.ensemble import Gathered
from smm4h_core.search.config import EnsembleSearchConfig, SubsetName, ThresholdName
from smm4h_core.search.group_folds import cut_by_group


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to an ensemble: which members, how joined, where cut."""

    rule: Kind
    """How members are joined."""
    threshold: ThresholdName
    """Where members and ensemble are cut."""
    subset: SubsetName
    """Which members."""
    size: int | None = None
    """How many; ``top`` alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A candidate with what it came to."""

    candidate: Candidate
    """Which."""
    held_out_f1: float
    """F1 over all posts, each answered by the fit that did not see it."""
    held_out: BoolArray
    """``(N,)`` those answers."""
    members: tuple[int, ...]
    """Columns of the members chosen on all posts, ascending."""
    rule: Rule
    """Fitted on all posts with those members."""
    fitted_f1: float
    """F1 of that rule on the posts that it was fitted on: flattered."""


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Posts that candidates are fitted on, with what candidates share."""

    gold: BoolArray
    """``(N,)`` labels."""
    probs: Prob
    """``(N, E)`` members' probs."""
    choose: ThresholdChooser | None
    """Chooses cuts; None fixes them."""
    cuts: tuple[float, ...]
    """``(E,)`` members' cuts."""
    ranking: tuple[int, ...]
    """``(E,)`` members by their own F1, the best first."""
    greedy: tuple[int, ...]
    """Members of the greedy subset, in the order in which they were taken."""


def list_candidates(config: EnsembleSearchConfig, num_members: int) -> list[Candidate]:
    """Every candidate of a search for a run of so many members; larger ``sizes`` are for others."""
    sizes = config.sizes or range(1, num_members + 1)
    subsets: list[tuple[SubsetName, int | None]] = []
    for subset in config.subsets:
        if subset == "top":
            # All members are the subset `all`, whatever their order.
            whole = num_members + ("all" not in config.subsets)
            subsets += [("top", size) for size in sizes if size < whole]
        else:
            subsets.append((subset, None))
    return [
        Candidate(rule, threshold, subset, size)
        for rule in config.rules
        for threshold in config.thresholds
        for subset, size in subsets
    ]


def score_candidates(
    gathered: Gathered,
    candidates: Sequence[Candidate],
    *,
    tie: Tie,
    num_folds: int,
    seed: int,
) -> list[Scored]:
    """Score candidates on one run's choosing posts.

    Raises:
        DataError: too few groups with positives for so many folds.
    """
    gold, probs = gathered.gold, gathered.probs
    fold_of = cut_by_group(gathered.post_ids, gathered.groups, gold, num_folds=num_folds, seed=seed)
    thresholds = sorted({candidate.threshold for candidate in candidates})
    greedy = any(candidate.subset == "greedy" for candidate in candidates)
    whole = {each: _fit(gold, probs, each, greedy=greedy) for each in thresholds}
    held_out = np.zeros((len(candidates), len(gold)), dtype=np.bool_)
    for fold in range(num_folds):
        out = fold_of == fold
        left, right = Prob(probs[~out]), probs[out]
        fits = {each: _fit(gold[~out], left, each, greedy=greedy) for each in thresholds}
        for place, candidate in enumerate(candidates):
            members, rule = _fit_candidate(fits[candidate.threshold], candidate, tie)
            held_out[place, out] = combine(rule, Prob(right[:, members])).label
    scored = []
    for candidate, labels in zip(candidates, held_out, strict=True):
        members, rule = _fit_candidate(whole[candidate.threshold], candidate, tie)
        fitted = combine(rule, Prob(probs[:, members])).label
        scored.append(
            Scored(
                candidate,
                score_labels(gold, labels).f1,
                labels,
                tuple(members),
                rule,
                score_labels(gold, fitted).f1,
            )
        )
    return scored


def best_scored(scored: Sequence[Scored]) -> int:
    """Place of the greatest held-out F1; of equals the one with fewest members, the first then."""
    return min(
        range(len(scored)),
        key=lambda place: (-scored[place].held_out_f1, len(scored[place].members), place),
    )


def held_out_interval(gathered: Gathered, scored: Scored) -> Interval:
    """95 % interval of a candidate's held-out F1, by bootstrap over groups."""
    rows = count_labels(gathered.gold, scored.held_out)
    return bootstrap_intervals(rows, groups=gathered.groups).f1


def _fit(gold: BoolArray, probs: Prob, threshold: ThresholdName, *, greedy: bool) -> _Fit:
    choose = choose_threshold if threshold == "chosen" else None
    cuts, scores = [], []
    for prob in probs.T:
        if choose is None:
            cuts.append(FIXED_THRESHOLD)
            scores.append(score_labels(gold, prob >= FIXED_THRESHOLD).f1)
        else:
            cut = choose(gold, Prob(prob))
            cuts.append(cut.value)
            scores.append(cut.score.f1)
    ranking = np.argsort(-np.array(scores), kind="stable")
    taken = tuple(_take_greedily(gold, probs, threshold)) if greedy else ()
    return _Fit(gold, probs, choose, tuple(cuts), tuple(ranking.tolist()), taken)


def _take_greedily(gold: BoolArray, probs: Prob, threshold: ThresholdName) -> Iterator[int]:
    """Forward selection without repetition (after Caruana et al., ICML 2004).

    Takes the member that raises the F1 of the mean prob most, until none raises it.
    """
    total: NDArray[np.float64] = np.zeros(len(gold))
    left, best, num_taken = list(range(probs.shape[1])), -1.0, 0
    while left:
        scores = []
        for member in left:
            mean = (total + probs[:, member]) / (num_taken + 1)
            scores.append(
                score_labels(gold, mean >= FIXED_THRESHOLD).f1
                if threshold == "fixed"
                else _greatest_f1(gold, mean)
            )
        place = int(np.argmax(scores))
        if scores[place] <= best:
            return
        best, member = scores[place], left.pop(place)
        total = total + probs[:, member]
        num_taken += 1
        yield member


def _greatest_f1(gold: BoolArray, prob: NDArray[np.float64]) -> float:
    """What `choose_threshold` would reach, at half its cost: greedy selection asks most often."""
    order = np.argsort(-prob)
    falling = prob[order]
    twice_tp = 2 * np.cumsum(gold[order])
    f1 = twice_tp / (np.arange(1, len(gold) + 1) + gold.sum())
    return float(f1[np.flatnonzero(np.diff(falling, append=-1.0))].max())


def _fit_candidate(fit: _Fit, candidate: Candidate, tie: Tie) -> tuple[list[int], Rule]:
    match candidate.subset:
        case "all":
            members = list(range(fit.probs.shape[1]))
        case "top":
            members = sorted(fit.ranking[: candidate.size])
        case "greedy":
            members = sorted(fit.greedy)
    rule = fit_rule(
        candidate.rule,
        fit.gold,
        Prob(fit.probs[:, members]),
        tie=tie,
        choose=fit.choose,
        member_thresholds=[fit.cuts[member] for member in members],
    )
    return members, rule
