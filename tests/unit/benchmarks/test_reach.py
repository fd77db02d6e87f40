import pytest

from benchmarks.reach import TARGETS, Target, Verdict, distance_from, judge


def test_verdict_counts_the_target_itself_as_reached() -> None:
    least, most = Target("x", "at least", 6.0), Target("x", "at most", 0.15)

    assert [Verdict("x", least, value).reached for value in (5.9, 6.0, 7.0)] == [False, True, True]
    assert [Verdict("x", most, value).reached for value in (0.1, 0.15, 0.2)] == [True, True, False]


def test_judge_finds_the_target_by_name() -> None:
    assert judge("psytar_text.f1", 0.9).target is TARGETS["psytar_text.f1"]
    with pytest.raises(KeyError):
        judge("psytar_text.f2", 0.9)


def test_distance_from_is_zero_inside_and_grows_outside() -> None:
    assert distance_from(0.8, 0.8, 0.9) == 0.0
    assert distance_from(0.85, 0.8, 0.9) == 0.0
    assert distance_from(0.75, 0.8, 0.9) == pytest.approx(0.05)
    assert distance_from(0.93, 0.8, 0.9) == pytest.approx(0.03)
