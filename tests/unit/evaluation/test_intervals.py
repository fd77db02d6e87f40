import numpy as np
import pytest

from smm4h_core.errors import DataError
from smm4h_core.evaluation.counts import precision_recall_f1
from smm4h_core.evaluation.intervals import (
    bootstrap_intervals,
    percentile_interval,
    resample_totals,
    sum_by_group,
)


def label_rows(tp: int, fp: int, fn: int, tn: int):
    return np.repeat(
        np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]), [tp, fp, fn, tn], axis=0
    )


def test_resample_totals_draw_posts_as_indices_would():
    """Same mean and covariance of the sums as a plain draw of N posts with replacement."""
    rows = np.random.default_rng(1).integers(0, 4, size=(50, 3))
    totals = resample_totals(rows, num_resamples=20_000, seed=0)
    drawn = np.random.default_rng(2).integers(0, 50, size=(20_000, 50))
    plain = rows[drawn].sum(axis=1)
    assert totals.mean(axis=0) == pytest.approx(plain.mean(axis=0), rel=0.01)
    assert np.cov(totals.T) == pytest.approx(np.cov(plain.T), abs=3)


def test_resample_totals_draw_as_many_posts_as_there_are():
    rows = np.ones((37, 3), dtype=np.int64)
    assert (resample_totals(rows, num_resamples=10, seed=0) == 37).all()


def test_resample_totals_do_not_depend_on_the_size_of_a_chunk(monkeypatch):
    rows = np.random.default_rng(1).integers(0, 9, size=(60, 3))
    whole = resample_totals(rows, num_resamples=101, seed=3)
    monkeypatch.setattr("smm4h_core.evaluation.intervals._CELLS_AT_ONCE", 500)
    assert (resample_totals(rows, num_resamples=101, seed=3) == whole).all()
    assert whole.shape == (101, 3)


def test_bootstrap_intervals_hold_the_score_and_repeat_with_the_seed():
    rows = label_rows(50, 20, 30, 400)
    intervals = bootstrap_intervals(rows, seed=7)
    numbers = precision_recall_f1(rows.sum(axis=0))
    for number, (low, high) in zip(numbers, intervals.to_json().values(), strict=True):
        assert 0 < low < number < high < 1
    assert bootstrap_intervals(rows, seed=7) == intervals
    assert bootstrap_intervals(rows, seed=8) != intervals


def test_bootstrap_interval_of_recall_has_the_binomial_width():
    """Recall 0.5 of 400 golds: standard error 0.025, so the 95 % interval is 0.098 wide."""
    recall = bootstrap_intervals(label_rows(200, 0, 200, 0), num_resamples=4000).recall
    assert recall.high - recall.low == pytest.approx(0.098, abs=0.006)


def test_bootstrap_intervals_widen_with_fewer_posts_and_a_higher_level():
    def width(rows, level):
        interval = bootstrap_intervals(rows, level=level).f1
        return interval.high - interval.low

    assert width(label_rows(5, 2, 3, 40), 0.95) > 2 * width(label_rows(50, 20, 30, 400), 0.95)
    assert width(label_rows(50, 20, 30, 400), 0.99) > width(label_rows(50, 20, 30, 400), 0.8)


def test_bootstrap_intervals_of_posts_that_repeat_in_a_group_do_not_shrink():
    rows = label_rows(10, 5, 5, 20)
    groups = [str(i) for i in range(len(rows))]
    alone = bootstrap_intervals(rows)
    copies = bootstrap_intervals(np.tile(rows, (9, 1)), groups=groups * 9)
    assert copies.f1.high - copies.f1.low == pytest.approx(alone.f1.high - alone.f1.low, rel=0.1)


def test_sum_by_group_keeps_posts_without_a_group_apart():
    rows = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [0, 0, 5]])
    sums = sum_by_group(rows, ["a", None, "a", None, "b"])
    assert sums.tolist() == [[1, 0, 1], [0, 1, 0], [2, 0, 0], [0, 0, 5]]


def test_sum_by_group_takes_a_numeric_name_for_a_name():
    rows = np.array([[1, 0, 0], [0, 1, 0]])
    assert len(sum_by_group(rows, [None, "0"])) == 2


def test_percentile_interval_leaves_equal_tails():
    interval = percentile_interval(np.arange(101.0), 0.9)
    assert (interval.low, interval.high) == pytest.approx((5, 95))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 95}, "level: expected between 0 and 1, got 95"),
        ({"num_resamples": 0}, "num_resamples: expected at least 1"),
        ({"groups": ["a"]}, "groups: expected 10, one for each row, got 1"),
    ],
)
def test_bootstrap_intervals_refuse_options_that_do_not_fit(options, message):
    with pytest.raises(DataError, match=message):
        bootstrap_intervals(label_rows(1, 2, 3, 4), **options)
