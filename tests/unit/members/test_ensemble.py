from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smm4h_core.classify.ensemble import MajorityVote, MeanProb
from smm4h_core.classify.probability import Logit
from smm4h_core.config import EnsembleConfig
from smm4h_core.errors import DataError, TrainingError
from smm4h_core.members.ensemble import fit_ensemble, score_ensemble, write_ensemble
from smm4h_core.members.predictions import Predictions, SplitName, write_predictions
from smm4h_core.members.train import Member, member_storage
from smm4h_core.storage import Storage, open_storage


def predictions(split: SplitName, ids: str, gold: list[int], logits: list[float]) -> Predictions:
    return Predictions(
        split, tuple(ids), tuple(ids), np.array(gold, dtype=bool), Logit(np.array(logits))
    )


def store(run: Storage, member: Member, *splits: Predictions) -> None:
    write_predictions(member_storage(run, member), list(splits))


@pytest.fixture
def run(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path))


def settings(**options: Any) -> EnsembleConfig:
    return EnsembleConfig(seeds=(0, 1), **options)


def test_fit_ensemble_joins_seeds_on_dev_and_answers_test(run: Storage) -> None:
    for seed, shift in ((0, 0.0), (1, 0.2)):
        store(
            run,
            Member(seed),
            predictions("dev", "abcd", [1, 0, 1, 0], [2 + shift, -2, 1, -1]),
            predictions("test", "xyz", [1, 0, 0], [1, 1, -1]),
        )
    ensemble = fit_ensemble(settings(rule="majority"), run, (0, 1), folds=1)
    assert isinstance(ensemble.rule, MajorityVote)
    scores = score_ensemble(ensemble)["splits"]
    assert scores["dev"]["f1"] == 1.0
    assert (scores["test"]["precision"], scores["test"]["recall"]) == (0.5, 1.0)
    assert scores["test"]["members"]["num_members"] == 2


def test_fit_ensemble_with_folds_chooses_on_posts_each_model_left_out(run: Storage) -> None:
    test = predictions("test", "xy", [1, 0], [3.0, -3.0])
    for seed in (0, 1):
        store(run, Member(seed, 0), predictions("oof", "ab", [1, 0], [0.2, -2]), test)
        store(run, Member(seed, 1), predictions("oof", "cd", [1, 0], [0.3, -1]), test)
    ensemble = fit_ensemble(settings(rule="mean", threshold="chosen"), run, (0, 1), folds=2)
    choosing, answered = ensemble.gathered
    assert choosing.post_ids == ("a", "b", "c", "d")
    assert choosing.probs.shape == (4, 2)
    assert answered.probs[0] == pytest.approx([0.9526, 0.9526], abs=1e-4)
    assert isinstance(ensemble.rule, MeanProb)
    assert 0.27 < ensemble.rule.threshold < 0.55  # between logits -1 and 0.2


def test_fit_ensemble_averages_probs_over_folds_not_logits(run: Storage) -> None:
    for fold, logit in ((0, 4.0), (1, -1.0)):
        held_out = predictions("oof", "ab"[fold], [1 - fold], [1.0 - 2 * fold])
        store(run, Member(0, fold), held_out, predictions("test", "x", [1], [logit]))
    ensemble = fit_ensemble(EnsembleConfig(seeds=(0,)), run, (0,), folds=2)
    expected = (1 / (1 + np.exp(-4.0)) + 1 / (1 + np.exp(1.0))) / 2
    assert ensemble.gathered[1].probs[0, 0] == pytest.approx(expected)


def test_fit_ensemble_refuses_members_that_answered_other_posts(run: Storage) -> None:
    store(run, Member(0), predictions("dev", "ab", [1, 0], [1, -1]))
    store(run, Member(1), predictions("dev", "ac", [1, 0], [1, -1]))
    with pytest.raises(DataError, match="different posts"):
        fit_ensemble(settings(), run, (0, 1), folds=1)


def test_score_ensemble_scores_test_posts_of_which_none_is_positive(run: Storage) -> None:
    for seed in (0, 1):
        dev = predictions("dev", "ab", [1, 0], [1, -1])
        store(run, Member(seed), dev, predictions("test", "xy", [0, 0], [-1, -2]))
    result = write_ensemble(fit_ensemble(settings(), run, (0, 1), folds=1), run)
    assert result["splits"]["test"]["average_precision"] is None


def test_fit_ensemble_refuses_no_seed(run: Storage) -> None:
    with pytest.raises(TrainingError, match="no seed"):
        fit_ensemble(settings(), run, (), folds=1)


def test_write_ensemble_writes_what_it_returns(run: Storage) -> None:
    for seed in (0, 1):
        store(run, Member(seed), predictions("dev", "abcd", [1, 0, 1, 0], [2, -2, 1, -1]))
    ensemble = fit_ensemble(settings(), run, (0, 1), folds=1)
    result = write_ensemble(ensemble, run)
    assert run.read_json("result.json") == json.loads(json.dumps(result))
    assert run.exists("answers.parquet")
