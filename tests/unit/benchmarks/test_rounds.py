import time
from collections.abc import Callable, Sequence

import pytest

from benchmarks.rounds import Spread, measure_in_turn, measure_speed, spread_of, spread_of_ratio


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


def test_measure_speed_counts_work_by_both_clocks() -> None:
    def work(numbers: Sequence[int]) -> None:
        ends = time.process_time() + 0.002 * len(numbers)
        while time.process_time() < ends:
            pass

    def wait(numbers: Sequence[int]) -> None:
        time.sleep(0.01 * len(numbers))

    speeds = measure_speed({"work": work, "wait": wait}, [1, 2, 3], warm_up=[1], num_rounds=2)
    assert [len(clock) for each in speeds.values() for clock in (each.wall, each.cpu)] == [2] * 4
    assert all(wall <= 500 for wall in speeds["work"].wall)
    waited = speeds["wait"]
    assert all(wall <= 100 < cpu for wall, cpu in zip(waited.wall, waited.cpu, strict=True))


def test_spread_of_ratio_pairs_by_round() -> None:
    # The second round was slow for both: their ratio does not show it.
    assert spread_of_ratio([60.0, 6.0, 80.0], [10.0, 1.0, 10.0]) == Spread(6.0, 6.0, 8.0)
    with pytest.raises(ValueError, match="zip"):
        spread_of_ratio([1.0], [1.0, 2.0])


def test_spread_reads_as_median_and_ends() -> None:
    assert str(spread_of([5.0, 4.0, 12.345])) == "5 (4 to 12.3)"
