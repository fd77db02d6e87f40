"""From stored predictions to a rule and its scores; nothing is trained again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from smm4h_core.classify.ensemble import Combined, Rule, combine, fit_rule, rule_to_json
from smm4h_core.classify.out_of_fold import fold_mean
from smm4h_core.classify.probability import Prob, prob_from_logit
from smm4h_core.config import EnsembleConfig, MemberPart
from smm4h_core.errors import DataError, TrainingError
from smm4h_core.evaluation.classification import (
    average_precision,
    count_labels,
    expected_calibration_error,
    score_labels,
)
from smm4h_core.evaluation.intervals import bootstrap_intervals
from smm4h_core.evaluation.significance import spread_over_members
from smm4h_core.evaluation.thresholds import choose_threshold
from smm4h_core.members.comparison import ANSWERS, RESULT
from smm4h_core.members.predictions import Predictions, SplitName, read_predictions
from smm4h_core.members.train import Member, member_storage
from smm4h_core.storage import Storage
from smm4h_core.types import Lang

P = TypeVar("P")


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """Members' probs on the posts of one split."""

    split: SplitName
    """Which split."""
    post_ids: tuple[str, ...]
    """``(N,)`` posts."""
    groups: tuple[str | None, ...]
    """``(N,)`` their groups."""
    gold: NDArray[np.bool_]
    """``(N,)`` labels."""
    probs: Prob
    """``(N, S)``, one per seed: held-out probs of ``oof`` posts, means over folds of others."""


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """A fitted rule and what it answers on the run's own splits."""

    seeds: tuple[int, ...]
    """Seeds joined, in the rule's order."""
    rule: Rule
    """How they are joined."""
    gathered: tuple[Gathered, ...]
    """The choosing split first, then the test split where there is one."""

    def answers(self) -> list[tuple[Gathered, Combined]]:
        """The rule's answers on each split."""
        return [(each, combine(self.rule, each.probs)) for each in self.gathered]


def fit_ensemble(
    config: EnsembleConfig, run: Storage, seeds: Sequence[int], folds: int
) -> Ensemble:
    """Join the members of ``seeds`` by the configured rule.

    Raises:
        TrainingError: if there is no seed to join.
        DataError: members that answered different posts.
    """
    if not seeds:
        raise TrainingError(f"{run.root}: no seed has all its members trained")
    choosing = gather(run, seeds, folds, "oof" if folds > 1 else "dev")
    if choosing is None:
        raise DataError(f"{run.root}: members hold no predictions to choose on")
    test = gather(run, seeds, folds, "test")
    # The configuration was checked at its birth: other rules are of spans and links.
    assert config.rule in ("majority", "mean", "logistic")
    rule = fit_rule(
        config.rule,
        choosing.gold,
        choosing.probs,
        tie=config.tie,
        choose=choose_threshold if config.threshold == "chosen" else None,
    )
    return Ensemble(tuple(seeds), rule, (choosing, test) if test else (choosing,))


def score_ensemble(
    ensemble: Ensemble, lang_of: Mapping[str, Lang | None] | None = None
) -> dict[str, Any]:
    """Scores by split, with intervals by group, beside the members' mean and spread.

    Args:
        ensemble: The rule and its answers.
        lang_of: Language by post; a split of several is scored by language too (``by_lang``).
    """
    return {
        "seeds": list(ensemble.seeds),
        "rule": rule_to_json(ensemble.rule),
        "splits": {
            gathered.split: {
                **_score_split(ensemble.rule, gathered, answers),
                "by_lang": _score_langs(gathered, answers, lang_of or {}),
            }
            for gathered, answers in ensemble.answers()
        },
    }


def write_ensemble(
    ensemble: Ensemble, run: Storage, lang_of: Mapping[str, Lang | None] | None = None
) -> dict[str, Any]:
    """Write the answers (Parquet) and the scores (JSON) below the run; return the scores."""
    tables = [
        pa.table(
            {
                "split": [gathered.split] * len(gathered.post_ids),
                "post_id": list(gathered.post_ids),
                "group": pa.array(gathered.groups, pa.string()),
                "gold": gathered.gold,
                "prob": answers.prob,
                "label": answers.label,
                "votes": answers.votes,
                "member_probs": list(gathered.probs),
            }
        )
        for gathered, answers in ensemble.answers()
    ]
    run.write(ANSWERS, lambda stream: pq.write_table(pa.concat_tables(tables), stream))
    result = score_ensemble(ensemble, lang_of)
    run.write_json(RESULT, result)
    return result


def _score_langs(
    gathered: Gathered, answers: Combined, lang_of: Mapping[str, Lang | None]
) -> dict[str, Any]:
    langs = np.array([lang_of.get(post_id) or "" for post_id in gathered.post_ids])
    found = sorted(set(langs.tolist()))
    if len(found) < 2:
        return {}
    scores = {}
    for lang in found:
        own = langs == lang
        gold, label = gathered.gold[own], answers.label[own]
        groups = [group for group, mine in zip(gathered.groups, own, strict=True) if mine]
        rows = count_labels(gold, label)
        scores[lang] = {
            **asdict(score_labels(gold, label)),
            "ci95": bootstrap_intervals(rows, groups=groups).to_json(),
        }
    return scores


def _score_split(rule: Rule, gathered: Gathered, answers: Combined) -> dict[str, Any]:
    gold = gathered.gold
    rows = count_labels(gold, answers.label)
    f1_by_member = [
        score_labels(gold, column >= cut).f1
        for column, cut in zip(gathered.probs.T, rule.member_thresholds, strict=True)
    ]
    return {
        **asdict(score_labels(gold, answers.label)),
        "ci95": bootstrap_intervals(rows, groups=gathered.groups).to_json(),
        "members": asdict(spread_over_members(f1_by_member)),
        "average_precision": average_precision(gold, answers.prob) if gold.any() else None,
        "ece": expected_calibration_error(gold, answers.prob),
    }


def gather(run: Storage, seeds: Sequence[int], folds: int, split: SplitName) -> Gathered | None:
    """Members' stored answers on a split, one column a seed; None where any member has none.

    Raises:
        DataError: members that answered different posts.
    """
    by_seed = read_by_seed(run, seeds, folds, split, read_predictions)
    if by_seed is None:
        return None
    join = _concatenate if split == "oof" else _average
    return _in_one_row([join(row) for row in by_seed])


def read_by_seed(
    run: Storage,
    seeds: Sequence[int],
    folds: int,
    split: SplitName,
    read: Callable[[Storage], Mapping[SplitName, P]],
    part: MemberPart = "",
) -> list[list[P]] | None:
    """Members' stored answers on a split ``(S, F)``; None where any member has none."""
    by_seed = [
        [read(member_storage(run, Member(seed, fold, part))) for fold in range(folds)]
        for seed in seeds
    ]
    if any(split not in answers for row in by_seed for answers in row):
        return None
    return [[answers[split] for answers in row] for row in by_seed]


def _probs(predictions: Predictions) -> Prob:
    return prob_from_logit(predictions.logits)


def _concatenate(held_out: Sequence[Predictions]) -> Gathered:
    """One seed's held-out folds, one below the other."""
    return Gathered(
        split="oof",
        post_ids=tuple(i for each in held_out for i in each.post_ids),
        groups=tuple(g for each in held_out for g in each.groups),
        gold=np.concatenate([each.gold for each in held_out]),
        probs=Prob(np.concatenate([_probs(each) for each in held_out])[:, None]),
    )


def _average(folds: Sequence[Predictions]) -> Gathered:
    """One seed's folds on the same posts, averaged."""
    first = folds[0]
    _refuse_other_posts(folds)
    stacked = np.stack([_probs(each) for each in folds], axis=-1)[:, None, :]  # (N, 1, F)
    return Gathered(first.split, first.post_ids, first.groups, first.gold, fold_mean(Prob(stacked)))


def _in_one_row(by_seed: Sequence[Gathered]) -> Gathered:
    first = by_seed[0]
    _refuse_other_posts(by_seed)
    probs = np.concatenate([each.probs for each in by_seed], axis=1)
    return Gathered(first.split, first.post_ids, first.groups, first.gold, Prob(probs))


def _refuse_other_posts(answered: Sequence[Predictions] | Sequence[Gathered]) -> None:
    first = answered[0]
    for other in answered:
        if other.post_ids != first.post_ids or not np.array_equal(other.gold, first.gold):
            raise DataError("members answered different posts; were they trained on other data?")
