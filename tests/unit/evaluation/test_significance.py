from itertools import product

import numpy as np
import pytest

from smm4h_core.errors import DataError
from smm4h_core.evaluation.classification import count_labels
from smm4h_core.evaluation.counts import score_counts
from smm4h_core.evaluation.significance import compare_runs, spread_over_members


def noisy_runs(num_posts: int, baseline_accuracy: float, contender_accuracy: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    gold = rng.random(num_posts) < 0.3
    runs = [gold ^ (rng.random(num_posts) > a) for a in (baseline_accuracy, contender_accuracy)]
    return [count_labels(gold, run) for run in runs]


def test_compare_runs_reports_both_scores_and_their_difference():
    baseline, contender = noisy_runs(500, 0.8, 0.9)
    comparison = compare_runs(baseline, contender)
    assert comparison.baseline_f1 == score_counts(baseline).f1
    assert comparison.contender_f1 == score_counts(contender).f1
    assert comparison.difference == comparison.contender_f1 - comparison.baseline_f1
    assert comparison.interval.low < comparison.difference < comparison.interval.high


def test_compare_runs_finds_a_plain_difference():
    comparison = compare_runs(*noisy_runs(1000, 0.7, 0.9), num_resamples=999)
    assert comparison.interval.low > 0
    assert comparison.bootstrap_p == 2 / 1000
    assert comparison.permutation_p == 1 / 1000


def test_compare_runs_is_sure_of_nothing_between_equal_runs():
    baseline, _ = noisy_runs(300, 0.8, 0.8)
    comparison = compare_runs(baseline, baseline)
    assert comparison.difference == 0
    assert comparison.bootstrap_p == comparison.permutation_p == 1


def test_compare_runs_is_symmetric():
    baseline, contender = noisy_runs(300, 0.8, 0.85)
    one, other = compare_runs(baseline, contender), compare_runs(contender, baseline)
    assert one.difference == -other.difference
    assert one.permutation_p == pytest.approx(other.permutation_p, abs=0.02)
    assert one.bootstrap_p == pytest.approx(other.bootstrap_p, abs=0.02)


def test_permutation_p_agrees_with_every_exchange_enumerated():
    rng = np.random.default_rng(3)
    baseline, contender = rng.integers(0, 3, size=(2, 8, 3))

    def gap(exchanged):
        mask = np.array(exchanged)[:, None]
        one = score_counts(np.where(mask, contender, baseline)).f1
        return abs(score_counts(np.where(mask, baseline, contender)).f1 - one)

    gaps = [gap(exchanged) for exchanged in product([False, True], repeat=8)]
    exact = np.mean([each >= gaps[0] - 1e-12 for each in gaps])
    estimate = compare_runs(baseline, contender, num_resamples=40_000).permutation_p
    assert 0.05 < exact < 0.95
    assert estimate == pytest.approx(exact, abs=0.01)


def test_permutation_p_of_equal_runs_is_seldom_small():
    """Under the null hypothesis, p <= 0.1 about one time in ten, not more."""
    p_values = [
        compare_runs(*noisy_runs(200, 0.8, 0.8, seed), num_resamples=400).permutation_p
        for seed in range(200)
    ]
    assert 0.03 < np.mean(np.array(p_values) <= 0.1) < 0.17


def test_compare_runs_does_not_take_repeated_posts_of_a_group_for_evidence():
    baseline, contender = noisy_runs(60, 0.75, 0.85)
    copied = [np.tile(rows, (20, 1)) for rows in (baseline, contender)]
    groups = [str(post) for post in range(60)] * 20
    alone, grouped = compare_runs(baseline, contender), compare_runs(*copied, groups=groups)
    assert grouped.permutation_p == pytest.approx(alone.permutation_p, abs=0.02)
    assert compare_runs(*copied).permutation_p < alone.permutation_p / 10


def test_compare_runs_refuses_other_posts():
    rows = np.zeros((3, 3), dtype=np.int64)
    with pytest.raises(DataError, match="expected the same posts, got 3 and 2"):
        compare_runs(rows, rows[:2])


def test_spread_over_members_is_the_sample_standard_deviation():
    spread = spread_over_members([0.5, 0.6, 0.7])
    assert (spread.mean, spread.sd) == pytest.approx((0.6, 0.1))
    assert (spread.low, spread.high, spread.num_members) == (0.5, 0.7, 3)


def test_spread_over_members_of_one_member_is_unknown():
    assert spread_over_members([0.5]).sd is None


@pytest.mark.parametrize("values", [[], [0.5, float("nan")]])
def test_spread_over_members_refuses_missing_values(values):
    with pytest.raises(DataError, match="expected a finite number per member"):
        spread_over_members(values)
