import pytest

from benchmarks.first_answer import measure, seconds_to_first_line
from benchmarks.section import BenchmarkError


def test_measure_waits_for_each_call() -> None:
    section = measure(num_calls=1)
    by_name = {verdict.name: verdict.measured for verdict in section.verdicts}
    assert 0 < by_name["first.help"] < by_name["first.english"]
    assert by_name["first.russian"] == section.data["a Russian text"]["median"]


def test_a_call_that_fails_is_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BenchmarkError, match="smm4h extract: ended with 2"):
        seconds_to_first_line(("extract", ""))
    assert "text 1 is empty" in capfd.readouterr().err
