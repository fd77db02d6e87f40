from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from ray_jobs.trial_ledger import TrialLedger
from smm4h_core.search.trials import EpochScore, Trial, read_trials
from smm4h_core.storage import Storage, open_storage


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path))


def numbers(trials: Sequence[Trial]) -> dict[str, Any] | None:
    """A space of four values."""
    return {"rate": len(trials)} if len(trials) < 4 else None


def open_ledger(storage: Storage, num_trials: int = 3) -> TrialLedger:
    return TrialLedger(storage, num_trials, numbers)


def word(epoch: int, f1: float, *, finished: bool = False) -> dict[str, Any]:
    epochs = [asdict(EpochScore(epoch, 0.5, f1, 1.0))]
    return {"epoch": epoch, "dev_f1": f1, "epochs": epochs, "finished": finished}


def test_ledger_hands_out_as_many_trials_as_are_asked_for(storage: Storage) -> None:
    ledger = open_ledger(storage)
    taken = [ledger.take() for _ in range(4)]
    assert [trial and trial.values for trial in taken] == [
        *({"rate": 0}, {"rate": 1}, {"rate": 2}),
        None,
    ]
    assert not ledger.exhausted


def test_ledger_tells_that_the_space_is_used_up(storage: Storage) -> None:
    ledger = open_ledger(storage, 9)
    assert sum(ledger.take() is not None for _ in range(9)) == 4
    assert ledger.exhausted


def test_ledger_notes_how_each_trial_ends(storage: Storage) -> None:
    ledger = open_ledger(storage)
    for _ in range(3):
        ledger.take()
    ledger.hear(0, word(1, 0.5))
    ledger.hear(0, word(2, 0.7, finished=True))
    ledger.hear(1, word(1, 0.2))
    ledger.hear(2, {"error": "loss nan"})
    for number in range(3):
        ledger.close(number)
    assert [trial.state for trial in ledger.trials] == ["finished", "stopped", "failed"]
    assert [trial.dev_f1 for trial in ledger.trials] == [0.7, 0.2, None]
    assert (ledger.trials[2].failures, ledger.trials[2].error) == (1, "loss nan")
    assert read_trials(storage) == ledger.trials


def test_ledger_of_a_later_life_goes_on_where_the_first_was_cut_short(storage: Storage) -> None:
    killed = open_ledger(storage)
    killed.take()
    killed.take()
    killed.hear(0, word(1, 0.5, finished=True))
    killed.hear(1, word(1, 0.4))
    ledger = open_ledger(storage)
    assert ledger.num_missing == 2
    again, new = ledger.take(), ledger.take()
    assert again is not None
    assert (again.number, again.values, again.num_epochs) == (1, {"rate": 1}, 1)
    assert new is not None
    assert new.number == 2
    assert ledger.take() is None
    assert open_ledger(storage, 5).num_missing == 4  # more may be asked for later


def test_ledger_hands_a_trial_out_again_that_was_put_back(storage: Storage) -> None:
    ledger = open_ledger(storage)
    first = ledger.take()
    assert first is not None
    ledger.take()
    ledger.put_back(first.number)
    assert ledger.take() == first
    ledger.hear(1, word(1, 0.5, finished=True))
    ledger.put_back(1)  # it has ended: nothing is left to do
    third = ledger.take()
    assert third is not None
    assert third.number == 2


def test_ledger_repeats_what_a_machine_lost_but_not_what_would_fail_again(
    storage: Storage,
) -> None:
    ledger = open_ledger(storage, 2)
    ledger.take()
    ledger.take()
    ledger.fail(0, "the worker died", last=False)
    assert (ledger.trials[0].state, ledger.trials[0].failures) == ("open", 1)
    ledger.fail(0, "the worker died", last=True)
    ledger.hear(1, {"error": "loss nan"})
    assert [trial.state for trial in ledger.trials] == ["failed", "failed"]
    later = open_ledger(storage, 2)
    assert later.num_missing == 1
    trial = later.take()
    assert trial is not None
    assert (trial.number, trial.failures, trial.error) == (0, 0, "the worker died")
