"""A search from configuration to the best run's YAML, with its table and pictures."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import yaml

from ray_jobs.live_trials import live_trials
from ray_jobs.trial_ledger import TrialLedger
from smm4h_core.config import RunConfig
from smm4h_core.errors import TrainingError
from smm4h_core.members.data import identify, read_run_posts
from smm4h_core.search.config import SearchConfig
from smm4h_core.search.pictures import draw_training_search
from smm4h_core.search.propose import propose
from smm4h_core.search.space import TrainingSpace
from smm4h_core.search.trials import Trial, best_trial, trials_table, write_table
from smm4h_core.storage import Storage, open_storage

IDENTITY, BEST = "search.json", "best.yaml"
_FREE = {"description", "storage", "trials", "max_concurrent", "attempts", "plots", "base"}
"""Keys that may change between two calls of the same search."""


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What a search came to."""

    location: str
    """Where everything lies."""
    trials: tuple[Trial, ...]
    """All, in order."""
    best: Trial
    """The finished one of greatest dev F1."""
    best_config: RunConfig
    """The run that it makes, as ``best.yaml`` has it."""
    num_trained: int
    """Trials that this call trained; the others had ended before."""
    exhausted: bool
    """Whether the space held fewer combinations than trials were asked for."""
    pictures: tuple[str, ...]
    """Files drawn."""


def run_search(config: SearchConfig, space: TrainingSpace) -> SearchOutcome:
    """Train the trials that are missing, then write the table, the best run and the pictures.

    Raises:
        TrainingError: the search was begun as another one, was interrupted, or no trial finished.
    """
    search = open_storage(config.storage).child(config.name)
    base = space.run_config({})
    posts = read_run_posts(base)  # bad data is told at once, before any worker starts
    _claim(search, _identify(config, identify(base, posts)))
    ledger = TrialLedger(
        search,
        config.trials,
        partial(
            propose,
            space.domains,
            seed=config.seed,
            searcher=config.searcher,
            startup_trials=config.startup_trials,
        ),
    )
    num_missing = ledger.num_missing
    if num_missing:
        _train_missing(config, space, ledger, base)
    keys = list(space.domains)
    write_table(search, trials_table(ledger.trials, keys))
    num_open = sum(trial.state == "open" for trial in ledger.trials)
    if num_open or (ledger.num_missing and not ledger.exhausted):
        raise TrainingError(
            f"{search.root}: the search was interrupted with {num_open} trial(s) open and "
            f"{ledger.num_missing} missing; the same command goes on with them"
        )
    best = best_trial(ledger.trials)
    if best is None:
        raise TrainingError(f"{search.root}: no trial finished:\n{failures(ledger.trials)}")
    best_run = space.run_config(best.values)
    best_config = best_run.model_copy(
        update={
            "name": best_name(config.name),
            "description": f"Best of {len(ledger.trials)} trials of {config.name}: trial "
            f"{best.number}, dev F1 {best.dev_f1:.3f} of one member.",
            # The base may join another run's members; these are trained otherwise.
            "ensemble": best_run.ensemble.model_copy(update={"members_of": None}),
        }
    )
    write_best(search, best_config)
    pictures = draw_training_search(search, config, space.domains, ledger.trials, best)
    return SearchOutcome(
        search.root,
        tuple(ledger.trials),
        best,
        best_config,
        num_missing - ledger.num_missing,
        ledger.exhausted,
        pictures,
    )


def best_name(search: str) -> str:
    """The name of the run that a search found best."""
    return f"{search[:59]}-best"


def write_best(search: Storage, config: RunConfig) -> None:
    """Write a run that ``smm4h train`` takes as it is."""
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    search.write(BEST, lambda stream: stream.write(text.encode()))


def failures(trials: list[Trial]) -> str:
    """Root errors, each once, with the trials that it ended."""
    numbers_by_error: dict[str, list[str]] = {}
    for trial in trials:
        if trial.state == "failed":
            numbers_by_error.setdefault(trial.error, []).append(str(trial.number))
    return "\n".join(f"  {', '.join(n)}: {error}" for error, n in numbers_by_error.items())


def _train_missing(
    config: SearchConfig, space: TrainingSpace, ledger: TrialLedger, base: RunConfig
) -> None:
    from ray_jobs.cluster import connected, count_places, nodes

    with connected():
        from ray_jobs.search import run_trials  # imports Ray, so not before connecting

        resources = base.resources
        places = count_places(
            nodes(), cpus=resources.cpus_per_member, gpus=resources.gpus_per_member
        )
        num_places = min(places, ledger.num_missing, config.max_concurrent or places)
        with live_trials(config.name, config.trials) as watch:
            run_trials(config, space, ledger, num_places=num_places, watch=watch)


def _identify(config: SearchConfig, base_identity: str) -> str:
    """Digest of what decides the trials, 12 hexadecimal digits."""
    decisive = config.model_dump(mode="json", exclude=_FREE)
    text = json.dumps({**decisive, "base": base_identity}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _claim(search: Storage, identity: str) -> None:
    if search.exists(IDENTITY):
        begun: dict[str, Any] = search.read_json(IDENTITY)
        if begun["identity"] != identity:
            raise TrainingError(
                f"{search.root} was begun as another search, around another run or on other posts "
                f"({begun['identity']}, now {identity}): give this one another name or storage, or "
                f"delete that folder"
            )
    search.write_json(IDENTITY, {"identity": identity})
