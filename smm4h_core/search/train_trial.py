"""One trial: a member, its epochs told one by one, and what it came to in the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from smm4h_core.config import RunConfig
from smm4h_core.members.train import WEIGHTS, Member, Progress, member_storage, train_member
from smm4h_core.search.trials import EpochScore, Trial, kept_score
from smm4h_core.storage import Storage

SCORE = "dev_f1"
"""In a word: dev F1 of the epoch that would be kept, by which trials are compared."""


def train_trial(
    config: RunConfig,
    member: Member,
    trial: Trial,
    storage: Storage,
    tell: Callable[[dict[str, Any]], None],
) -> None:
    """Train a trial's member, or go on with it; tell every epoch, and that it is finished.

    A word holds ``epoch`` (done), `SCORE` and ``epochs``, the new `EpochScore`s as plain values;
    the last one ``finished`` too. ``tell`` may raise to stop the trial after that epoch.

    Args:
        config: The trial's run.
        member: The one member that it trains.
        trial: The trial as it stands; its epochs so far count for its score.
        storage: The trial's folder.
        tell: Takes a word.

    Raises:
        TrainingError: as `train_member`.
    """
    done = {epoch.epoch: epoch for epoch in trial.epochs}
    before = time.perf_counter()

    def word(*epochs: EpochScore) -> dict[str, Any]:
        done.update({epoch.epoch: epoch for epoch in epochs})
        score = kept_score([done[epoch] for epoch in sorted(done)], config.training.select)
        return {
            "epoch": max(done),
            SCORE: score,
            "epochs": [asdict(epoch) for epoch in epochs],
            "finished": False,
        }

    def note(progress: Progress) -> None:
        nonlocal before
        # The last epoch is told below, with the member stored: who stops a trial there gains
        # nothing and loses its predictions.
        if progress.step or not 0 < progress.epoch < progress.epochs:
            return
        assert progress.loss is not None and progress.dev_f1 is not None
        now = time.perf_counter()
        epoch = EpochScore(progress.epoch, progress.loss, progress.dev_f1, now - before)
        before = now
        tell(word(epoch))

    record = train_member(config, member, storage, on_progress=note)
    # A search compares predictions; the weights of its trials would fill a disk.
    member_storage(storage, member).delete(WEIGHTS)
    history = [
        EpochScore(
            epoch["epoch"] + 1,
            epoch["loss"],
            epoch["score"],
            epoch["train_s"] + epoch["evaluate_s"],
        )
        for epoch in record["history"]
    ]
    tell({**word(*history), SCORE: record["choosing_f1"], "finished": True})
