import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smm4h_core.errors import DataError
from smm4h_core.evaluation.classification import score_labels
from smm4h_core.evaluation.thresholds import choose_threshold

PROB = st.one_of(
    st.sampled_from([0.0, 5e-324, 0.1, np.nextafter(0.1, 1), 0.5, 1.0]), st.floats(0, 1)
)
POSTS = st.lists(st.tuples(st.booleans(), PROB), max_size=25)


@given(POSTS, PROB)
@example([(False, 0.1)], np.nextafter(0.1, 1))
@example([(False, 0.0)], 5e-324)
@example([(False, 0.0)], 0.0)
def test_choose_threshold_is_as_good_as_every_cut_tried_by_hand(posts, positive_prob):
    gold = np.array([True, *(label for label, _ in posts)])
    prob = np.array([positive_prob, *(p for _, p in posts)])
    chosen = choose_threshold(gold, prob)
    best = max(score_labels(gold, prob >= cut).f1 for cut in prob)
    assert 0 <= chosen.value <= 1
    assert score_labels(gold, prob >= chosen.value) == chosen.score
    assert chosen.score.f1 == best


def test_choose_threshold_lies_midway_between_neighbouring_probs():
    chosen = choose_threshold(np.array([False, True, True]), np.array([0.2, 0.6, 0.9]))
    assert chosen.value == pytest.approx(0.4)
    assert chosen.margin == pytest.approx(0.2)


def test_choose_threshold_never_parts_equal_probs():
    gold = np.array([True, False, True, False])
    chosen = choose_threshold(gold, np.array([0.7, 0.7, 0.7, 0.1]))
    assert chosen.value == pytest.approx(0.4)
    assert chosen.score.false_positives == 1


def test_choose_threshold_prefers_the_widest_gap_of_equal_f1():
    # {0.9} alone: P 1, R 1/2. The best four: P 1/2, R 1. Both F1 2/3, gaps 0.1 and 0.5.
    gold = np.array([True, False, False, True, False])
    chosen = choose_threshold(gold, np.array([0.9, 0.8, 0.7, 0.6, 0.1]))
    assert chosen.score.f1 == pytest.approx(2 / 3)
    assert chosen.value == pytest.approx(0.35)


def test_choose_threshold_prefers_the_highest_of_equal_gaps():
    gold = np.array([True, False, False, True, False])
    chosen = choose_threshold(gold, np.array([1.0, 0.75, 0.5, 0.25, 0.0]))
    assert chosen.value == 0.875


def test_choose_threshold_takes_everything_when_that_is_best():
    chosen = choose_threshold(np.array([True, False, True]), np.array([0.9, 0.8, 0.5]))
    assert chosen.value == 0.25
    assert chosen.score.recall == 1


def test_choose_threshold_does_not_depend_on_the_order_of_posts():
    rng = np.random.default_rng(5)
    gold, prob = rng.random(200) < 0.2, rng.integers(0, 20, 200) / 20
    order = rng.permutation(200)
    assert choose_threshold(gold, prob) == choose_threshold(gold[order], prob[order])


def test_choose_threshold_refuses_labels_without_a_positive():
    with pytest.raises(DataError, match="at least one positive"):
        choose_threshold(np.array([False]), np.array([0.5]))
