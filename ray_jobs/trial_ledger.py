"""The trials of a search in its driver: what is to be trained next, and a word put on disk.

Plain Python, so that tests need no Ray; ``ray_jobs.search`` lets Ray Tune ask it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from smm4h_core.search.train_trial import SCORE
from smm4h_core.search.trials import EpochScore, Trial, discard_member, read_trials, write_trial
from smm4h_core.storage import Storage

Propose = Callable[[Sequence[Trial]], Mapping[str, Any] | None]
"""Draws the next trial's values; None where nothing new can be drawn."""


@dataclass(slots=True)
class TrialLedger:
    """Every trial of a search, those of earlier lives included."""

    storage: Storage
    """The search's folder."""
    num_trials: int
    """Trials that the search asks for."""
    propose: Propose
    """Draws values."""
    trials: list[Trial] = field(init=False)
    """As they stand, in order."""
    exhausted: bool = field(init=False, default=False)
    """Whether the space holds no further combination."""
    _waiting: deque[int] = field(init=False)

    def __post_init__(self) -> None:
        self.trials = read_trials(self.storage)
        for trial in self.trials:
            if trial.state == "failed" and not trial.hopeless:
                self._put(replace(trial, state="open", failures=0))
        self._waiting = deque(trial.number for trial in self.trials if trial.state == "open")

    @property
    def num_missing(self) -> int:
        """Trials still to be trained: those cut short, and those not drawn yet."""
        return len(self._waiting) + max(0, self.num_trials - len(self.trials))

    def take(self) -> Trial | None:
        """The next trial: one that was cut short before a new one; None when none is missing."""
        if self._waiting:
            return self.trials[self._waiting.popleft()]
        if len(self.trials) >= self.num_trials or self.exhausted:
            return None
        values = self.propose(self.trials)
        if values is None:
            self.exhausted = True
            return None
        trial = Trial(len(self.trials), values)
        self.trials.append(trial)
        write_trial(self.storage, trial)
        return trial

    def hear(self, number: int, word: Mapping[str, Any]) -> None:
        """A worker's word on its trial, see `smm4h_core.search.train_trial`; or its own error."""
        trial = self.trials[number]
        if "error" in word:
            self._put(
                replace(
                    trial,
                    state="failed",
                    failures=trial.failures + 1,
                    error=word["error"],
                    hopeless=True,
                )
            )
            return
        epochs = {epoch.epoch: epoch for epoch in trial.epochs}
        epochs.update({epoch["epoch"]: EpochScore(**epoch) for epoch in word["epochs"]})
        self._put(
            replace(
                trial,
                epochs=tuple(epochs[epoch] for epoch in sorted(epochs)),
                dev_f1=word[SCORE],
                state="finished" if word["finished"] else "open",
            )
        )

    def close(self, number: int) -> None:
        """A trial's life has ended without an error; where it did not finish, it was stopped."""
        trial = self.trials[number]
        if trial.state == "open":
            self._put(replace(trial, state="stopped"))
            discard_member(self.storage, number)

    def fail(self, number: int, error: str, *, last: bool) -> None:
        """A trial's life was lost: the trial failed if it was the last that it has."""
        trial = self.trials[number]
        state = "failed" if last else trial.state
        self._put(replace(trial, state=state, failures=trial.failures + 1, error=error))

    def put_back(self, number: int) -> None:
        """A trial was taken but never begun: it is the next again."""
        if self.trials[number].state == "open":
            self._waiting.appendleft(number)

    def _put(self, trial: Trial) -> None:
        self.trials[trial.number] = trial
        write_trial(self.storage, trial)
