import numpy as np
import pytest

from benchmarks.training_f1 import compare_members
from smm4h_core.classify.probability import Logit, Prob
from smm4h_core.members.predictions import Predictions, SplitName

GOLD = np.array([True] * 10 + [False] * 10)


def answered(split: SplitName) -> Predictions:
    ids = tuple(str(i) for i in range(len(GOLD)))
    return Predictions(split, ids, tuple(None for _ in ids), GOLD, Logit(np.zeros(len(GOLD))))


def test_compare_members_cuts_each_side_where_its_own_dev_says() -> None:
    low = Prob(np.where(GOLD, 0.2, 0.1))  # parts the classes, but far below 0.5
    high = Prob(np.where(GOLD, 0.9, 0.1))
    half = Prob(np.where(np.arange(20) < 5, 0.9, 0.1))

    theirs, ours, against = compare_members(
        answered("dev"), answered("test"), (high, half), (low, low)
    )

    assert ours.score.f1 == 1.0
    assert theirs.score.f1 == pytest.approx(2 / 3)
    assert theirs.interval.low < theirs.score.f1 < theirs.interval.high
    assert against.difference == pytest.approx(1 / 3)
