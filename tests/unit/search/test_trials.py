from __future__ import annotations

from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq

from smm4h_core.search.trials import (
    EpochScore,
    Trial,
    best_trial,
    discard_member,
    kept_score,
    read_trials,
    trial_storage,
    trials_table,
    write_table,
    write_trial,
)
from smm4h_core.storage import open_storage

EPOCHS = (EpochScore(1, 0.5, 0.6, 2.0), EpochScore(2, 0.4, 0.8, 1.0), EpochScore(3, 0.3, 0.7, 1.0))
TRIALS = [
    Trial(0, {"rate": 1e-3, "pool": "max"}, "finished", EPOCHS, 0.8),
    Trial(1, {"rate": 1, "pool": None}, "stopped", EPOCHS[:1], 0.9),
    Trial(2, {"rate": 2e-3}, "failed", failures=2, error="loss nan", hopeless=True),
    Trial(3, {"rate": 3e-3, "pool": "mean"}, "finished", EPOCHS, 0.8),
]


def test_trials_are_read_as_they_were_written(tmp_path: Path) -> None:
    search = open_storage(str(tmp_path))
    for trial in TRIALS:
        write_trial(search, trial)
    assert read_trials(search) == TRIALS


def test_best_trial_is_the_earliest_finished_of_greatest_f1() -> None:
    assert best_trial(TRIALS) is TRIALS[0]
    assert best_trial(TRIALS[1:3]) is None


def test_kept_score_is_that_of_the_epoch_that_is_kept() -> None:
    assert kept_score(EPOCHS, "best") == 0.8
    assert kept_score(EPOCHS, "last") == 0.7
    assert kept_score((), "best") is None


def test_num_epochs_counts_an_epoch_whose_word_was_lost() -> None:
    assert Trial(0, {}, epochs=EPOCHS[2:]).num_epochs == 3


def test_table_holds_every_trial_alike_as_parquet_and_as_csv(tmp_path: Path) -> None:
    search = open_storage(str(tmp_path))
    write_table(search, trials_table(TRIALS, ["rate", "pool"]))
    table = pq.read_table(tmp_path / "trials.parquet")
    assert table["state"].to_pylist() == ["finished", "stopped", "failed", "finished"]
    assert table["rate"].to_pylist() == [1e-3, 1.0, 2e-3, 3e-3]
    assert table["pool"].to_pylist() == ["max", None, None, "mean"]
    assert table["seconds"].to_pylist() == [4.0, 2.0, 0.0, 4.0]
    assert table["error"].to_pylist()[2] == "loss nan"
    csv = pyarrow.csv.read_csv(tmp_path / "trials.csv")
    assert csv.column_names == table.column_names
    assert csv["dev_f1"].to_pylist() == table["dev_f1"].to_pylist()


def test_table_writes_a_choice_among_several_types_as_text() -> None:
    trials = [Trial(0, {"a": True}), Trial(1, {"a": 2}), Trial(2, {})]
    assert trials_table(trials, ["a"])["a"].to_pylist() == ["True", "2", None]


def test_discard_member_removes_its_checkpoint_and_leaves_the_trial(tmp_path: Path) -> None:
    search = open_storage(str(tmp_path))
    write_trial(search, TRIALS[0])
    trial_storage(search, 0).child("members", "s0-f0").write_json("checkpoint", {})
    discard_member(search, 0)
    discard_member(search, 0)
    assert [path.name for path in (tmp_path / "trials" / "0000").iterdir()] == ["trial.json"]
