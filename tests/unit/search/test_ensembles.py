from __future__ import annotations

import itertools

import numpy as np
import pytest

from smm4h_core.classify.ensemble import combine, fit_rule
from smm4h_core.classify.probability import Prob
from smm4h_core.errors import DataError
from smm4h_core.evaluation.classification import score_labels
from smm4h_core.evaluation.thresholds import choose_threshold
from smm4h_core.members.ensemble import Gathered
from smm4h_core.search.config import EnsembleSearchConfig
from smm4h_core.search.ensembles import (
    Candidate,
    Scored,
    best_scored,
    held_out_interval,
    list_candidates,
    score_candidates,
)
from smm4h_core.search.group_folds import cut_by_group


def gathered(num_posts: int = 240, num_members: int = 4, seed: int = 0) -> Gathered:
    """Members of falling skill, the last of which knows nothing; posts in groups of three."""
    draws = np.random.default_rng(seed)
    gold = draws.random(num_posts) < 0.3
    skill = np.linspace(2.0, 0.0, num_members)
    logits = (gold[:, None] - 0.6) * skill + draws.normal(size=(num_posts, num_members))
    ids = tuple(f"p{i}" for i in range(num_posts))
    groups = tuple(f"g{i // 3}" for i in range(num_posts))
    return Gathered("dev", ids, groups, gold, Prob(1 / (1 + np.exp(-logits))))


def settings(**keys: object) -> EnsembleSearchConfig:
    return EnsembleSearchConfig.model_validate(
        {"kind": "ensemble", "name": "e", "runs": ["a"], **keys}
    )


ALL = list_candidates(settings(thresholds=["fixed", "chosen"]), 4)


def score(posts: Gathered, candidates: list[Candidate] = ALL) -> list[Scored]:
    return score_candidates(posts, candidates, tie="positive", num_folds=3, seed=1)


def by_force(candidate: Candidate, gold: np.ndarray, probs: np.ndarray) -> tuple[list[int], object]:
    """Members and rule of a candidate, by the shortest code that needs no sharing."""
    chosen = candidate.threshold == "chosen"

    def f1(prob: np.ndarray) -> float:
        if chosen:
            return max(score_labels(gold, prob >= cut).f1 for cut in np.unique(prob))
        return score_labels(gold, prob >= 0.5).f1

    members = list(range(probs.shape[1]))
    if candidate.subset == "top":
        members = sorted(members, key=lambda m: -f1(probs[:, m]))[: candidate.size]
    elif candidate.subset == "greedy":
        members, best = [], -1.0
        while len(members) < probs.shape[1]:
            left = [m for m in range(probs.shape[1]) if m not in members]
            scores = [f1(probs[:, [*members, m]].mean(axis=1)) for m in left]
            if max(scores) <= best:
                break
            best = max(scores)
            members.append(left[scores.index(best)])
    members = sorted(members)
    choose = choose_threshold if chosen else None
    return members, fit_rule(
        candidate.rule, gold, Prob(probs[:, members]), tie="positive", choose=choose
    )


def test_list_candidates_counts_every_way_once() -> None:
    config = settings()
    assert len(list_candidates(config, 10)) == 33
    assert len(set(list_candidates(config, 10))) == 33
    few = settings(rules=["mean"], subsets=["top"], sizes=[2, 4, 9])
    assert [each.size for each in list_candidates(few, 4)] == [2, 4]


def test_list_candidates_tries_every_number_down_to_a_single_member() -> None:
    top = settings(subsets=["top"], rules=["mean"])
    assert [each.size for each in list_candidates(top, 3)] == [1, 2, 3]
    assert [each.size for each in list_candidates(top, 1)] == [1]
    both = settings(subsets=["all", "top"], rules=["mean"])
    assert [(each.subset, each.size) for each in list_candidates(both, 1)] == [("all", None)]


@pytest.mark.parametrize("candidate", ALL, ids=str)
def test_score_candidates_equals_brute_force(candidate: Candidate) -> None:
    posts = gathered()
    [scored] = score(posts, [candidate])
    gold, probs = posts.gold, posts.probs
    fold_of = cut_by_group(posts.post_ids, posts.groups, gold, num_folds=3, seed=1)
    labels = np.zeros(len(gold), dtype=bool)
    for fold in range(3):
        out = fold_of == fold
        members, rule = by_force(candidate, gold[~out], probs[~out])
        labels[out] = combine(rule, Prob(probs[out][:, members])).label  # type: ignore[arg-type]
    assert np.array_equal(scored.held_out, labels)
    assert scored.held_out_f1 == score_labels(gold, labels).f1
    members, rule = by_force(candidate, gold, probs)
    assert (list(scored.members), scored.rule) == (members, rule)


def test_score_candidates_is_the_same_together_and_again() -> None:
    posts = gathered()
    together, again = score(posts), score(posts)
    assert [each.held_out_f1 for each in together] == [each.held_out_f1 for each in again]
    assert [each.held_out_f1 for each in together] == [
        score(posts, [each])[0].held_out_f1 for each in ALL
    ]


def test_held_out_f1_does_not_believe_members_that_know_nothing() -> None:
    draws = np.random.default_rng(3)
    posts = gathered(num_posts=90, num_members=30)
    noise = Gathered("dev", posts.post_ids, posts.groups, posts.gold, Prob(draws.random((90, 30))))
    guess_all = score_labels(noise.gold, np.ones(90, dtype=bool)).f1
    [scored] = score(noise, [Candidate("mean", "chosen", "greedy")])
    assert scored.fitted_f1 > guess_all + 0.1
    assert scored.held_out_f1 < scored.fitted_f1 - 0.1


def test_best_scored_prefers_fewer_members_of_equal_f1() -> None:
    posts = gathered()
    [first] = score(posts, [Candidate("mean", "fixed", "all")])
    [second] = score(posts, [Candidate("mean", "fixed", "top", 1)])
    alike = [
        Scored(each.candidate, 0.5, each.held_out, each.members, each.rule, each.fitted_f1)
        for each in (first, second, second)
    ]
    assert best_scored(alike) == 1


def test_held_out_interval_holds_the_score() -> None:
    posts = gathered()
    [scored] = score(posts, [Candidate("mean", "chosen", "all")])
    interval = held_out_interval(posts, scored)
    assert interval.low < scored.held_out_f1 < interval.high


def test_cut_by_group_keeps_groups_whole_and_positives_even() -> None:
    posts = gathered()
    fold_of = cut_by_group(posts.post_ids, posts.groups, posts.gold, num_folds=3, seed=1)
    for _, members in itertools.groupby(range(240), key=lambda i: posts.groups[i]):
        assert len({int(fold_of[i]) for i in members}) == 1
    positives = np.bincount(fold_of, weights=posts.gold)
    assert positives.max() - positives.min() <= 3
    assert np.bincount(fold_of).max() - np.bincount(fold_of).min() <= 12
    other = cut_by_group(posts.post_ids, posts.groups, posts.gold, num_folds=3, seed=2)
    assert not np.array_equal(fold_of, other)


def test_cut_by_group_takes_the_document_of_an_id_for_a_missing_group() -> None:
    ids = [f"ade2-{document}-p{sentence}" for document in range(6) for sentence in range(2)]
    gold = np.array([True, False] * 6)
    fold_of = cut_by_group(ids, [None] * 12, gold, num_folds=3, seed=0)
    assert np.array_equal(fold_of[::2], fold_of[1::2])


def test_cut_by_group_refuses_fewer_groups_with_positives_than_folds() -> None:
    gold = np.array([True, True, False, False])
    with pytest.raises(DataError, match="at least 3 groups for 3 folds, got 2 such groups"):
        cut_by_group("abcd", [None] * 4, gold, num_folds=3, seed=0)
