"""The live table of trials, on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from rich.table import Table
from rich.text import Text

from ray_jobs.live import format_clock, live_view
from smm4h_core.search.trials import State, Trial

MOST_ROWS = 20
"""Trials shown, the latest and the best: a table longer than the window would scroll away."""
STATES: tuple[State, ...] = ("finished", "stopped", "failed", "open")


def live_trials(
    title: str, num_trials: int
) -> AbstractContextManager[Callable[[Sequence[Trial]], None]]:
    """A function that shows trials."""

    def draw(trials: Sequence[Trial], elapsed_s: float) -> Table:
        return trials_view(f"{title}, {format_clock(elapsed_s)} so far", trials, num_trials)

    return live_view(draw, transient=True)


def trials_view(title: str, trials: Sequence[Trial], num_trials: int) -> Table:
    """How many trials stand where, the best one and the latest ones."""
    table = Table(title=f"{title}: {count_states(trials, num_trials)}")
    for heading in ("trial", "state", "epochs", "dev F1", "drawn"):
        table.add_column(heading, justify="left" if heading in ("state", "drawn") else "right")
    scored = [trial for trial in trials if trial.dev_f1 is not None]
    best = max(scored, key=lambda trial: trial.dev_f1 or 0.0, default=None)
    latest = [trial for trial in trials[-MOST_ROWS:] if trial is not best]
    for trial in ([best] if best else []) + latest:
        score = "" if trial.dev_f1 is None else f"{trial.dev_f1:.3f}"
        drawn = ", ".join(
            f"{key.rpartition('.')[2]} {short(value)}" for key, value in trial.values.items()
        )
        table.add_row(
            *(str(trial.number), trial.state, str(trial.num_epochs), score),
            Text(trial.error.partition("\n")[0][:90] if trial.state == "failed" else drawn),
            style="bold" if trial is best else None,
        )
    return table


def count_states(trials: Sequence[Trial], num_trials: int) -> str:
    """``12 of 24 trials: 5 finished, 6 stopped, 1 failed``."""
    states = Counter(trial.state for trial in trials)
    counts = ", ".join(f"{states[state]} {state}" for state in STATES if states[state])
    return f"{len(trials)} of {num_trials} trials" + (f", {counts}" if counts else "")


def short(value: object) -> str:
    """A drawn value in a cell."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
