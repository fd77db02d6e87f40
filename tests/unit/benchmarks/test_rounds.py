from collections.abc import Callable, Sequence

import pytest

from benchmarks import rounds
from benchmarks.rounds import (
    Speeds,
    Spread,
    measure_in_turn,
    measure_speed,
    spread_of,
    spread_of_ratio,
)


def test_measure_in_turn_interleaves_rounds_and_discards_the_warm_up() -> None:
    log: list[tuple[str, str]] = []

    def contender(name: str) -> Callable[[str], float]:
        def run(work: str) -> float:
            log.append((name, work))
            return float(len(log))

        return run

    rates = measure_in_turn(
        {"a": contender("a"), "b": contender("b")}, "all", warm_up="few", num_rounds=2
    )

    assert log == [("a", "few"), ("b", "few"), *[("a", "all"), ("b", "all")] * 2]
    assert rates == {"a": (3.0, 5.0), "b": (4.0, 6.0)}


def test_measure_speed_counts_work_by_both_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = {"wall": 0.0, "cpu": 0.0}
    monkeypatch.setattr(rounds.time, "perf_counter", lambda: clocks["wall"])
    monkeypatch.setattr(rounds.time, "process_time", lambda: clocks["cpu"])

    def work_on_two_cores(numbers: Sequence[int]) -> None:
        clocks["wall"] += 0.25 * len(numbers)
        clocks["cpu"] += 0.5 * len(numbers)

    def wait(_: Sequence[int]) -> None:
        clocks["wall"] += 4.0
        clocks["cpu"] += 0.125

    contenders = {"work": work_on_two_cores, "wait": wait}
    speeds = measure_speed(contenders, [1, 2, 3], warm_up=[1], num_rounds=2)

    assert speeds == {
        "work": Speeds(wall=(4.0, 4.0), cpu=(2.0, 2.0)),
        "wait": Speeds(wall=(0.75, 0.75), cpu=(24.0, 24.0)),
    }


def test_spread_of_ratio_pairs_by_round() -> None:
    # The second round was slow for both: their ratio does not show it.
    assert spread_of_ratio([60.0, 6.0, 80.0], [10.0, 1.0, 10.0]) == Spread(6.0, 6.0, 8.0)
    with pytest.raises(ValueError, match="zip"):
        spread_of_ratio([1.0], [1.0, 2.0])


def test_spread_reads_as_median_and_ends() -> None:
    assert str(spread_of([5.0, 4.0, 12.345])) == "5 (4 to 12.3)"
