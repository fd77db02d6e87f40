import numpy as np
import pytest

from smm4h_core.errors import DataError
from smm4h_core.evaluation.counts import precision_recall_f1, score_counts


def test_score_counts_sums_posts_before_dividing():
    score = score_counts(np.array([[1, 0, 0], [0, 3, 1], [1, 0, 0]]))
    assert (score.true_positives, score.false_positives, score.false_negatives) == (2, 3, 1)
    assert score.n == 3
    assert score.numbers() == pytest.approx({"precision": 2 / 5, "recall": 2 / 3, "f1": 0.5})


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([0, 0, 0], [0, 0, 0]),
        ([0, 0, 4], [0, 0, 0]),
        ([0, 4, 0], [0, 0, 0]),
        ([2, 0, 0], [1, 1, 1]),
    ],
)
def test_precision_recall_f1_is_zero_where_a_denominator_is(counts, expected):
    assert precision_recall_f1(np.array(counts)).tolist() == expected


def test_precision_recall_f1_keeps_the_leading_axes():
    counts = np.arange(24).reshape(2, 4, 3)
    numbers = precision_recall_f1(counts)
    assert numbers.shape == (2, 4, 3)
    assert numbers[1, 2] == pytest.approx(precision_recall_f1(counts[1, 2]))


@pytest.mark.parametrize(
    "rows", [np.zeros((0, 3), int), np.zeros((2, 4), int), np.zeros(3, int), np.zeros((2, 3))]
)
def test_score_counts_refuses_what_are_no_rows(rows):
    with pytest.raises(DataError, match=r"rows: expected integer counts \(N, 3\)"):
        score_counts(rows)


def test_score_counts_refuses_negative_counts_and_says_where():
    with pytest.raises(DataError, match=r"rows\[1\]: expected counts of at least 0"):
        score_counts(np.array([[0, 0, 0], [1, -1, 0]]))
