"""A search on Ray Tune: every trial trains one member, ASHA stops those that fall behind.

Tune places trials, repeats lost ones and lets the scheduler decide. What a search knows lies in its
trials' own files (`ray_jobs.trial_ledger`), not in Tune's state, which is copied to storage every
ten seconds, file by file, as pickles: a driver killed meanwhile could leave it torn.
"""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler
from ray.tune.search import ConcurrencyLimiter, Searcher

from ray_jobs.trainer import settle
from ray_jobs.trial_ledger import TrialLedger
from smm4h_core.config import config_from_mapping
from smm4h_core.errors import Smm4hError
from smm4h_core.members.train import Member
from smm4h_core.search.config import SearchConfig
from smm4h_core.search.space import TrainingSpace
from smm4h_core.search.train_trial import SCORE, train_trial
from smm4h_core.search.trials import Trial, kept_score, read_trial, trial_storage
from smm4h_core.storage import open_storage

MOST_WORDS = 300
"""Characters of an error that Ray explains at length."""
Watch = Callable[[Sequence[Trial]], None]


def run_trials(
    config: SearchConfig,
    space: TrainingSpace,
    ledger: TrialLedger,
    *,
    num_places: int,
    watch: Watch,
) -> None:
    """Train the missing trials on the cluster that we are connected to.

    Whatever becomes of a trial is noted in the ledger, not raised.

    Args:
        config: The search.
        space: Its space.
        ledger: Its trials.
        num_places: Trials at once.
        watch: Shown all trials after each word of one.
    """
    base = space.run_config({})
    resources = {"CPU": base.resources.cpus_per_member}
    if base.resources.gpus_per_member:
        resources["GPU"] = base.resources.gpus_per_member
    scheduler = build_scheduler(config, space.most_epochs())
    limiter = ConcurrencyLimiter(_Proposals(config, space, ledger, scheduler), num_places)
    # Nobody reads what Tune keeps: it must not grow in the search's storage, nor be taken for it.
    scratch = tempfile.mkdtemp(prefix="smm4h-tune-")
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    os.environ.setdefault("TUNE_DISABLE_STRICT_METRIC_CHECKING", "1")  # an error has no score
    tuner = tune.Tuner(
        tune.with_resources(_train, resources),
        tune_config=tune.TuneConfig(
            search_alg=limiter,
            scheduler=scheduler,
            num_samples=-1,  # until the ledger has none
            reuse_actors=True,  # a new worker imports torch for seconds
        ),
        run_config=tune.RunConfig(
            name=config.name,
            storage_path=scratch,
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=config.attempts - 1),
            callbacks=[_Notes(ledger, limiter, watch)],
        ),
    )
    log = logging.getLogger("ray.tune")
    level = log.level
    try:
        # Tune prints its own boxes even when told to be silent, and logs the traceback of every
        # lost worker; stdout is for results, and errors are in the ledger.
        log.setLevel(logging.CRITICAL)
        with contextlib.redirect_stdout(io.StringIO()):
            tuner.fit()
    finally:
        log.setLevel(level)
        shutil.rmtree(scratch, ignore_errors=True)


def build_scheduler(config: SearchConfig, most_epochs: int) -> TrialScheduler:
    """The scheduler of a search whose trials run so many epochs at most."""
    if config.scheduler == "none":
        return FIFOScheduler()  # type: ignore[no-untyped-call]
    return ASHAScheduler(
        time_attr="epoch",
        metric=SCORE,
        mode="max",
        # At its greatest time the scheduler stops a trial, good or bad: that lies beyond the last.
        max_t=most_epochs + 1,
        grace_period=config.grace_epochs,
        reduction_factor=config.reduction_factor,
    )


@dataclass(frozen=True, slots=True)
class _Past:
    """A trial of an earlier life, as much of it as a scheduler looks at."""

    trial_id: str


def replay(scheduler: TrialScheduler, trial_id: str, epochs: Sequence[Any], select: Any) -> None:
    """Show a scheduler what a trial had come to before this driver lived."""
    past: Any = _Past(trial_id)
    controller: Any = None  # neither scheduler looks at it
    scheduler.on_trial_add(controller, past)
    for place, epoch in enumerate(epochs, 1):
        word = {"epoch": epoch.epoch, SCORE: kept_score(epochs[:place], select)}
        scheduler.on_trial_result(controller, past, word)


class _Proposals(Searcher):
    """Hands the ledger's trials to Tune."""

    def __init__(
        self,
        config: SearchConfig,
        space: TrainingSpace,
        ledger: TrialLedger,
        scheduler: TrialScheduler,
    ) -> None:
        super().__init__(metric=SCORE, mode="max")
        self._settings = (config, space, ledger, scheduler)
        self._select = space.run_config({}).training.select
        for trial in ledger.trials:
            if trial.state in ("finished", "stopped"):
                replay(scheduler, f"past-{trial.number}", trial.epochs, self._select)

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        """The next trial as its worker takes it; None to be asked again; or that it is over."""
        config, space, ledger, scheduler = self._settings
        while (trial := ledger.take()) is not None:
            try:
                run = space.run_config(trial.values)
            except Smm4hError as error:  # between two valid extremes
                ledger.hear(trial.number, {"error": str(error)})
                continue
            replay(scheduler, trial_id, trial.epochs, self._select)
            return {
                "number": trial.number,
                "run": run.model_dump(mode="json"),
                "member_seed": config.member_seed,
                "search": [config.storage, config.name],
                "folder": str(Path.cwd()),
            }
        # While a trial runs it may still be put back, and must then be handed out.
        return None if any(trial.state == "open" for trial in ledger.trials) else Searcher.FINISHED

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: `_Notes` has it."""

    def save(self, checkpoint_path: str) -> None:
        """Leave an empty file, which Tune moves about: the ledger is on disk already."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Nothing was saved."""


class _Notes(tune.Callback):
    """Puts what Tune hears into the ledger."""

    def __init__(self, ledger: TrialLedger, limiter: ConcurrencyLimiter, watch: Watch) -> None:
        self._ledger = ledger
        self._limiter = limiter
        self._watch = watch
        self._closed: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its callbacks into a state that nobody reads; a terminal cannot be pickled.
        return {}

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
        del iteration, trials, trial
        self._watch(self._ledger.trials)

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **_: Any
    ) -> None:
        del iteration, trials
        self._ledger.hear(trial.config["number"], result)
        self._watch(self._ledger.trials)

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
        del iteration, trials
        self._ledger.close(trial.config["number"])
        self._watch(self._ledger.trials)

    def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
        del iteration, trials
        self._fail(trial, last=False)

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
        del iteration, trials
        self._closed.add(trial.trial_id)
        self._fail(trial, last=True)

    def _fail(self, trial: Any, *, last: bool) -> None:
        self._ledger.fail(trial.config["number"], _last_words(trial), last=last)
        self._watch(self._ledger.trials)

    def on_step_end(self, iteration: int, trials: list[Any], **_: Any) -> None:
        """Take a trial back that Tune gave to a worker which could not be used again.

        Tune ends it as an error and tells nobody: it would be lost, and its place taken for ever.
        """
        del iteration
        for trial in trials:
            if trial.status != trial.ERROR or trial.trial_id in self._closed:
                continue
            self._closed.add(trial.trial_id)
            self._limiter.on_trial_complete(trial.trial_id, error=True)
            self._ledger.put_back(trial.config["number"])


def _last_words(trial: Any) -> str:
    """The last line of what Tune wrote down: the root error, or what Ray knows of a death."""
    path = trial.error_file
    lines = Path(path).read_text(encoding="utf-8").split("\n") if path else []
    words = [line.strip() for line in lines if line.strip()]
    return words[-1][:MOST_WORDS] if words else "lost without a word"


def _train(settings: dict[str, Any]) -> None:
    """A trial's life in its worker."""
    # Tune waits so long for a stopped trial before its worker takes the next; its two seconds are
    # too short where a network is being freed on a busy machine, and cost the worker.
    os.environ.setdefault("TUNE_FUNCTION_THREAD_TIMEOUT_S", "60")
    config = config_from_mapping(settings["run"])
    resources = config.resources
    settle(settings["folder"], cpus=resources.cpus_per_member, gpus=resources.gpus_per_member)
    location, name = settings["search"]
    search = open_storage(location).child(name)
    number = settings["number"]
    try:
        train_trial(
            config,
            Member(settings["member_seed"]),
            read_trial(search, number),
            trial_storage(search, number),
            tune.report,
        )
    except Smm4hError as error:
        # About data or numbers: the next life would end alike, so Tune must not start one.
        tune.report({"error": str(error)})
    finally:
        gc.collect()  # as in ray_jobs.ensemble: two networks at once are one too many
