import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from smm4h_core.errors import DataError
from smm4h_core.evaluation.classification import (
    average_precision,
    count_labels,
    expected_calibration_error,
    pr_curve,
    score_labels,
)

LABEL_PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)
# Few distinct probs, so that most examples hold ties.
TIED = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), max_size=30
).map(lambda pairs: [(True, 0.25), *pairs])


def test_score_labels_scores_the_positive_class():
    gold = np.array([True, True, True, False, False])
    pred = np.array([True, False, True, True, False])
    score = score_labels(gold, pred)
    assert (score.true_positives, score.false_positives, score.false_negatives) == (2, 1, 1)
    assert (score.precision, score.recall, score.f1, score.n) == (2 / 3, 2 / 3, 2 / 3, 5)


@given(LABEL_PAIRS)
def test_score_labels_agrees_with_scikit_learn(pairs):
    gold, pred = np.array(pairs).T
    score = score_labels(gold, pred)
    expected = precision_recall_fscore_support(gold, pred, average="binary", zero_division=0)
    assert (score.precision, score.recall, score.f1) == pytest.approx(expected[:3])


def test_count_labels_gives_a_row_of_zeros_to_a_true_negative():
    rows = count_labels(np.array([True, True, False, False]), np.array([True, False, True, False]))
    assert rows.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 0]]


def test_score_labels_refuses_other_posts():
    with pytest.raises(DataError, match="pred: expected 2 labels, got 1"):
        score_labels(np.array([True, False]), np.array([True]))


def test_pr_curve_keeps_equal_probs_together():
    curve = pr_curve(np.array([True, False, True, False]), np.array([0.9, 0.9, 0.4, 0.1]))
    assert curve.threshold.tolist() == [0.9, 0.4, 0.1]
    assert curve.precision.tolist() == [1 / 2, 2 / 3, 1 / 2]
    assert curve.recall.tolist() == [0.5, 1.0, 1.0]


@given(TIED)
def test_pr_curve_equals_scoring_at_each_threshold(pairs):
    gold, prob = np.array([g for g, _ in pairs]), np.array([p for _, p in pairs])
    curve = pr_curve(gold, prob)
    assert curve.threshold.tolist() == sorted(set(prob.tolist()), reverse=True)
    for threshold, f1, counts in zip(curve.threshold, curve.f1, curve.counts, strict=True):
        score = score_labels(gold, prob >= threshold)
        assert score.f1 == f1
        assert counts.sum() == score.true_positives + score.false_positives + score.false_negatives


@given(TIED)
def test_average_precision_agrees_with_scikit_learn(pairs):
    gold, prob = np.array([g for g, _ in pairs]), np.array([p for _, p in pairs])
    assert average_precision(gold, prob) == pytest.approx(average_precision_score(gold, prob))


def test_pr_curve_refuses_labels_without_a_positive():
    with pytest.raises(DataError, match="at least one positive, got none in 2 labels"):
        pr_curve(np.array([False, False]), np.array([0.1, 0.2]))


def test_pr_curve_refuses_what_is_no_probability_and_says_where():
    with pytest.raises(DataError, match=r"prob\[1\] is nan"):
        pr_curve(np.array([True, False]), np.array([0.1, np.nan]))


def test_calibration_error_of_hand_computed_bins():
    # Bins of a half: [0, 0.5) holds 0.1 and 0.3, one positive: gap 0.3 on 2 posts;
    # [0.5, 1] holds 0.5 and 1.0, one positive: gap 0.25 on 2 posts.
    gold = np.array([False, True, True, False])
    prob = np.array([0.1, 0.3, 0.5, 1.0])
    assert expected_calibration_error(gold, prob, num_bins=2) == pytest.approx(0.275)


def test_calibration_error_of_one_bin_is_the_gap_of_the_means():
    gold, prob = np.array([True, False, False]), np.array([0.9, 0.8, 0.4])
    assert expected_calibration_error(gold, prob, num_bins=1) == pytest.approx(0.7 - 1 / 3)


def test_calibration_error_is_zero_for_certain_and_right_probs():
    gold = np.array([True, False])
    assert expected_calibration_error(gold, gold.astype(float)) == 0


def test_calibration_error_refuses_no_bins():
    with pytest.raises(DataError, match="num_bins: expected at least 1, got 0"):
        expected_calibration_error(np.array([True]), np.array([0.5]), num_bins=0)
