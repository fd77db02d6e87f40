from __future__ import annotations

import pytest
from rich.console import Console

from ray_jobs.live_trials import live_trials, trials_view
from smm4h_core.search.trials import EpochScore, Trial

EPOCHS = (EpochScore(1, 0.5, 0.4, 1.0),)
TRIALS = [
    Trial(
        0, {"training.learning_rate": 0.00123456, "network.fusion": "text"}, "finished", EPOCHS, 0.8
    ),
    Trial(1, {"training.learning_rate": 1.0}, "failed", failures=1, error="loss nan\nmore"),
    Trial(2, {"training.learning_rate": 2.0}, "open"),
]


def test_trials_view_shows_the_best_first_and_what_failed() -> None:
    console = Console(width=160)
    with console.capture() as capture:
        console.print(trials_view("search", TRIALS, 24))
    text = capture.get()
    assert "3 of 24 trials, 1 finished, 1 failed, 1 open" in text
    rows = [line for line in text.splitlines() if line.startswith("│")]
    assert "0.800" in rows[0]
    assert "learning_rate 0.00123, fusion text" in rows[0]
    assert "loss nan" in rows[1]
    assert "more" not in rows[1]


def test_live_trials_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with live_trials("search", 24) as show:
        show(TRIALS)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
