import numpy as np
import pytest

from smm4h_core.classify.probability import check_labels, check_prob, prob_from_logit
from smm4h_core.errors import DataError


def test_prob_from_logit_is_the_sigmoid_without_overflow():
    prob = prob_from_logit(np.array([-1000.0, -2.0, 0.0, 0.5, 1000.0]))
    assert prob == pytest.approx([0.0, 1 / (1 + np.e**2), 0.5, 0.62246, 1.0], abs=1e-6)


def test_prob_from_logit_computes_in_double_precision():
    assert prob_from_logit(np.array([20.0], dtype=np.float32))[0] < 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_prob_from_logit_refuses_what_is_not_finite_and_says_where(bad):
    with pytest.raises(DataError, match=r"logit\[1, 0\]"):
        prob_from_logit(np.array([[0.0, 1.0], [bad, 2.0]]))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1, 1.0001])
def test_check_prob_refuses_what_is_no_probability_and_says_where(bad):
    with pytest.raises(DataError, match=r"dev probs\[0, 1\] is .* \(1 of 4 elements are not\)"):
        check_prob([[0.0, bad], [1.0, 0.5]], "dev probs", ndim=2)


@pytest.mark.parametrize("shape", [(0, 3), (4,), (2, 2, 2)])
def test_check_prob_refuses_other_shapes(shape):
    with pytest.raises(DataError, match="expected 2 non-empty axes"):
        check_prob(np.zeros(shape), "probs", ndim=2)


@pytest.mark.parametrize("labels", [[0, 1], ["ADE", "NoADE"], [[True]], []])
def test_check_labels_refuses_what_is_not_one_axis_of_booleans(labels):
    with pytest.raises(DataError, match="gold: expected one non-empty axis of booleans"):
        check_labels(labels, "gold")


def test_check_labels_refuses_another_length():
    with pytest.raises(DataError, match="gold: expected 3 labels, got 2"):
        check_labels([True, False], "gold", num_posts=3)
