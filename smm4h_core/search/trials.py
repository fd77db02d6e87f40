"""Trials of a search: what each drew, how far it came, how it ended.

A trial is one JSON file in its folder, written whole after every word of it. It is all that a
search needs to go on after its driver was killed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from pyarrow import fs

from smm4h_core.storage import Storage

State = Literal["open", "finished", "stopped", "failed"]
"""``open`` is being trained, or was when the search was cut short; ``stopped`` by the scheduler."""
FILE = "trial.json"
TABLE = "trials"


@dataclass(frozen=True, slots=True)
class EpochScore:
    """What one epoch came to."""

    epoch: int
    """Epochs done, this one included."""
    loss: float
    """Mean training loss."""
    dev_f1: float
    """F1 at 0.5 on the choosing posts."""
    seconds: float
    """Of training and scoring it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One member of a search."""

    number: int
    """From 0, in the order in which they were drawn."""
    values: Mapping[str, Any]
    """Drawn values by key path."""
    state: State = "open"
    """How it stands."""
    epochs: tuple[EpochScore, ...] = ()
    """Epochs done."""
    dev_f1: float | None = None
    """Of the epoch that the member keeps; of a stopped trial, of the one it would have kept."""
    failures: int = 0
    """Lives that ended in an error."""
    error: str = ""
    """Root error of the last of them."""
    hopeless: bool = False
    """Whether another life would end alike, as a loss that is not finite does."""

    @property
    def num_epochs(self) -> int:
        """Epochs done; a word of one may have been lost with its driver."""
        return self.epochs[-1].epoch if self.epochs else 0


def trial_storage(search: Storage, number: int) -> Storage:
    """A trial's folder below its search's; its member lies below it."""
    return search.child("trials", f"{number:04d}")


def write_trial(search: Storage, trial: Trial) -> None:
    """Write how a trial stands."""
    trial_storage(search, trial.number).write_json(FILE, asdict(trial))


def discard_member(search: Storage, number: int) -> None:
    """Remove what a trial that will not go on keeps of its member: most of it is a checkpoint."""
    folder = f"{trial_storage(search, number).root}/members"
    if search.filesystem.get_file_info(folder).type == fs.FileType.Directory:
        search.filesystem.delete_dir(folder)


def read_trials(search: Storage) -> list[Trial]:
    """Read every trial that a search has drawn, in order."""
    trials: list[Trial] = []
    while trial_storage(search, len(trials)).exists(FILE):
        trials.append(read_trial(search, len(trials)))
    return trials


def read_trial(search: Storage, number: int) -> Trial:
    """Read how one trial stands."""
    raw = trial_storage(search, number).read_json(FILE)
    epochs = tuple(EpochScore(**epoch) for epoch in raw.pop("epochs"))
    return Trial(**raw, epochs=epochs)


def kept_score(epochs: Sequence[EpochScore], select: Literal["best", "last"]) -> float | None:
    """Dev F1 of the epoch that a member with these epochs keeps; None before the first."""
    if not epochs:
        return None
    return epochs[-1].dev_f1 if select == "last" else max(epoch.dev_f1 for epoch in epochs)


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """The finished trial of greatest dev F1, the earliest of equals; None where none finished."""
    finished = [trial for trial in trials if trial.state == "finished"]
    return max(finished, key=lambda trial: (trial.dev_f1, -trial.number), default=None)


def trials_table(trials: Sequence[Trial], keys: Sequence[str]) -> pa.Table:
    """One row a trial; after what came of it a column for each key path, blank where not drawn."""
    columns: dict[str, pa.Array] = {
        "trial": pa.array([trial.number for trial in trials], pa.int64()),
        "state": pa.array([trial.state for trial in trials], pa.string()),
        "dev_f1": pa.array([trial.dev_f1 for trial in trials], pa.float64()),
        "epochs": pa.array([trial.num_epochs for trial in trials], pa.int64()),
        "seconds": pa.array([sum(e.seconds for e in t.epochs) for t in trials], pa.float64()),
        "failures": pa.array([trial.failures for trial in trials], pa.int64()),
        "error": pa.array([trial.error for trial in trials], pa.string()),
    }
    for key in keys:
        columns[key] = _column([trial.values.get(key) for trial in trials])
    return pa.table(columns)


def write_table(storage: Storage, table: pa.Table) -> None:
    """Write a table of trials as Parquet and as CSV."""
    storage.write(f"{TABLE}.parquet", lambda stream: pq.write_table(table, stream))
    storage.write(f"{TABLE}.csv", lambda stream: pyarrow.csv.write_csv(table, stream))


def _column(values: Sequence[Any]) -> pa.Array:
    """Values of one type keep it; a choice among several types becomes text."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) > 1 and not kinds <= {int, float}:
        values = [None if value is None else str(value) for value in values]
    elif float in kinds:
        return pa.array(values, pa.float64())
    return pa.array(values)
