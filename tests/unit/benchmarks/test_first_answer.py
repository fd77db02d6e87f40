from collections.abc import Sequence

import pytest

from benchmarks import first_answer
from benchmarks.first_answer import ENGLISH, RUSSIAN, measure, seconds_to_first_line
from benchmarks.section import BenchmarkError


def test_measure_tells_of_each_call_but_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    took = {ENGLISH: iter((9.0, 4.0, 6.0, 5.0)), RUSSIAN: iter((9.0, 1.0, 3.0, 2.0))}
    others = iter((9.0, 0.1, 0.3, 0.2))

    def seconds(arguments: Sequence[str]) -> float:
        return next(took.get(arguments[-1], others))

    monkeypatch.setattr(first_answer, "seconds_to_first_line", seconds)
    found = {verdict.name: verdict.measured for verdict in measure(num_calls=3).verdicts}
    assert found == {"first.english": 5.0, "first.russian": 2.0, "first.help": 0.2}


def test_a_call_is_timed_to_its_first_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert 0 < seconds_to_first_line(("--help",)) < 60
    with pytest.raises(BenchmarkError, match="smm4h extract: ended with 2"):
        seconds_to_first_line(("extract", ""))
    assert "text 1 is empty" in capfd.readouterr().err
