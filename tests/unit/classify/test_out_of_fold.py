import numpy as np
import pytest

from smm4h_core.classify.out_of_fold import fold_mean, out_of_fold
from smm4h_core.errors import DataError


def test_out_of_fold_takes_the_model_that_did_not_see_the_post():
    probs = np.full((3, 2, 2), np.nan)
    probs[0, :, 1] = [0.1, 0.2]
    probs[1, :, 0] = [0.3, 0.4]
    probs[2, :, 1] = [0.5, 0.6]
    held_out = out_of_fold(probs, np.array([1, 0, 1]))
    assert held_out.tolist() == [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]


def test_out_of_fold_refuses_a_missing_held_out_prob_and_says_whose():
    probs = np.full((2, 2, 2), 0.5)
    probs[1, 0, 1] = np.nan
    with pytest.raises(DataError, match=r"held-out probs\[1, 0\] is nan"):
        out_of_fold(probs, np.array([0, 1]))


@pytest.mark.parametrize("unknown", [-1, 2])
def test_out_of_fold_refuses_an_unknown_fold(unknown):
    with pytest.raises(DataError, match=rf"fold\[1\]: expected 0 to 1, got {unknown}"):
        out_of_fold(np.full((2, 2, 2), 0.5), np.array([0, unknown]))


def test_out_of_fold_refuses_folds_of_other_posts():
    with pytest.raises(DataError, match=r"got \(2, 2, 2\), \(3,\)"):
        out_of_fold(np.full((2, 2, 2), 0.5), np.array([0, 1, 1]))


def test_fold_mean_averages_each_seed_over_its_folds():
    probs = np.array([[[0.2, 0.4], [0.6, 1.0]], [[0.0, 0.0], [0.5, 0.0]]])
    assert fold_mean(probs) == pytest.approx(np.array([[0.3, 0.8], [0.0, 0.25]]))


def test_fold_mean_refuses_a_missing_member():
    with pytest.raises(DataError, match=r"probs\[0, 1, 0\] is nan"):
        fold_mean(np.array([[[0.2, 0.4], [np.nan, 1.0]]]))
