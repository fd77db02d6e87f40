"""A search over ensembles from configuration to the best run's YAML; needs no Ray."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from ray_jobs.search_run import best_name, write_best
from smm4h_core.classify.ensemble import combine, rule_to_json
from smm4h_core.classify.probability import Prob
from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.errors import ConfigError, DataError
from smm4h_core.evaluation.classification import count_labels, score_labels
from smm4h_core.evaluation.intervals import Interval, bootstrap_intervals
from smm4h_core.members.comparison import CONFIG, RESULT
from smm4h_core.members.ensemble import Gathered, gather
from smm4h_core.members.train import (
    RECORD,
    member_storage,
    members_home,
    members_of,
    whole_seeds,
)
from smm4h_core.search.config import EnsembleSearchConfig
from smm4h_core.search.ensembles import (
    Scored,
    best_scored,
    held_out_interval,
    list_candidates,
    score_candidates,
)
from smm4h_core.search.pictures import draw_ensemble_search
from smm4h_core.search.trials import write_table
from smm4h_core.storage import Storage, open_storage


@dataclass(frozen=True, slots=True, eq=False)
class StoredRun:
    """A finished run's members and what they answered."""

    config: RunConfig
    """The run, with the storage at which it was found."""
    home: Storage
    """Folder of the run whose members it joins."""
    seeds: tuple[int, ...]
    """Seeds of which every fold is trained, in the order of the probs' columns."""
    gathered: Gathered
    """Their answers on the choosing posts."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One candidate of one run, scored."""

    run: StoredRun
    """Whose members."""
    scored: Scored
    """What it came to."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds joined."""
        return tuple(self.run.seeds[member] for member in self.scored.members)


@dataclass(frozen=True, slots=True, eq=False)
class EnsembleSearchOutcome:
    """What a search over ensembles came to."""

    location: str
    """Where everything lies."""
    found: tuple[Found, ...]
    """Every candidate, run by run."""
    best: Found
    """The one of greatest held-out F1."""
    interval: Interval
    """95 % interval of that F1."""
    result: dict[str, Any]
    """The best one as ``result.json`` has it, with test scores where they were asked for."""
    pictures: tuple[str, ...]
    """Files drawn."""


def run_ensemble_search(config: EnsembleSearchConfig) -> EnsembleSearchOutcome:
    """Score every candidate of every run; write table, best run, result and pictures.

    Raises:
        ConfigError: a number of members that no run has.
        DataError: a folder that holds no finished run, or runs that answered different posts.
    """
    search = open_storage(config.storage).child(config.name)
    runs = _in_one_order([_read_run(location, config) for location in config.runs])
    most = max(len(run.seeds) for run in runs)
    if config.sizes and max(config.sizes) > most:
        raise ConfigError(f"sizes: expected at most {most}, no run has {max(config.sizes)} members")
    found = []
    for run in runs:
        scored = score_candidates(
            run.gathered,
            list_candidates(config, len(run.seeds)),
            tie=run.config.ensemble.tie,
            num_folds=config.folds,
            seed=config.seed,
        )
        found += [Found(run, each) for each in scored]
    place = best_scored([each.scored for each in found])
    best = found[place]
    interval = held_out_interval(best.run.gathered, best.scored)

    write_table(search, _table(found))
    write_best(search, _best_config(best, config.name))
    result = {
        "run": best.run.config.name,
        "seeds": list(best.seeds),
        **asdict(best.scored.candidate),
        "fitted_rule": rule_to_json(best.scored.rule),
        "held_out_f1": best.scored.held_out_f1,
        "held_out_ci95": [interval.low, interval.high],
        "fitted_f1": best.scored.fitted_f1,
        "test": _score_test(best) if config.report_test else None,
    }
    search.write_json(RESULT, result)
    pictures = draw_ensemble_search(
        search,
        config,
        [(each.run.config.name, each.run.gathered, each.scored) for each in found],
        place,
    )
    return EnsembleSearchOutcome(search.root, tuple(found), best, interval, result, pictures)


def _read_run(location: str, search: EnsembleSearchConfig) -> StoredRun:
    run = open_storage(location)
    config = config_from_mapping(run.read_json(CONFIG), source=f"{run.root}/{CONFIG}")
    above, _, folder = location.rstrip("/").rpartition("/")
    if folder != config.name:
        raise DataError(
            f"{location}: expected the folder of run {config.name!r} to have its name, so that "
            f"the best run can be trained there"
        )
    config = config.model_copy(update={"storage": above or "."})
    home = members_home(config)
    finished = [m for m in members_of(config) if member_storage(home, m).exists(RECORD)]
    seeds = whole_seeds(config, finished)
    if len(seeds) < len(config.ensemble.seeds):
        raise DataError(
            f"{run.root}: expected every member of {len(config.ensemble.seeds)} seeds trained, got "
            f"those of {len(seeds)}; `smm4h train` trains what is missing"
        )
    gathered = gather(home, seeds, config.data.folds, search.split)
    if gathered is None:
        other = "dev" if search.split == "oof" else "oof"
        raise DataError(f"{run.root}: members hold no {search.split} predictions; split: {other}?")
    return StoredRun(config, home, seeds, gathered)


def _in_one_order(runs: Sequence[StoredRun]) -> list[StoredRun]:
    """The runs with their posts in the first one's order, so that folds are the same posts."""
    first = runs[0].gathered
    ordered = []
    for run in runs:
        gathered = run.gathered
        place_of = {post_id: place for place, post_id in enumerate(gathered.post_ids)}
        if place_of.keys() != set(first.post_ids):
            raise DataError(
                f"{runs[0].config.name} and {run.config.name}: expected answers on the same "
                f"posts, got {len(first.post_ids)} and {len(place_of)}, of which "
                f"{len(place_of.keys() & set(first.post_ids))} are shared"
            )
        order = np.array([place_of[post_id] for post_id in first.post_ids])
        if differing := int((gathered.gold[order] != first.gold).sum()):
            raise DataError(
                f"{runs[0].config.name} and {run.config.name}: expected the same gold labels, "
                f"{differing} post(s) differ"
            )
        probs = Prob(gathered.probs[order])
        ordered.append(
            replace(
                run,
                gathered=Gathered(gathered.split, first.post_ids, first.groups, first.gold, probs),
            )
        )
    return ordered


def _best_config(best: Found, search: str) -> RunConfig:
    """A run that joins those members anew: it trains nothing."""
    run, candidate = best.run.config, best.scored.candidate
    ensemble = run.ensemble.model_copy(
        update={
            "seeds": best.seeds,
            "rule": candidate.rule,
            "threshold": candidate.threshold,
            "members_of": run.ensemble.members_of or run.name,
            "min_members": None,
        }
    )
    description = (
        f"{len(best.seeds)} of {len(best.run.seeds)} members, joined as {search} found best: "
        f"held-out F1 {best.scored.held_out_f1:.3f}."
    )
    return run.model_copy(
        update={"name": best_name(search), "ensemble": ensemble, "description": description}
    )


def _score_test(best: Found) -> dict[str, Any]:
    test = gather(best.run.home, best.seeds, best.run.config.data.folds, "test")
    if test is None:
        raise DataError(f"{best.run.home.root}: members hold no test predictions to report on")
    labels = combine(best.scored.rule, test.probs).label
    rows = count_labels(test.gold, labels)
    return {
        **asdict(score_labels(test.gold, labels)),
        "ci95": bootstrap_intervals(rows, groups=test.groups).to_json(),
    }


def _table(found: Sequence[Found]) -> pa.Table:
    return pa.table(
        {
            "trial": range(len(found)),
            "run": [each.run.config.name for each in found],
            "rule": [each.scored.candidate.rule for each in found],
            "threshold": [each.scored.candidate.threshold for each in found],
            "subset": [each.scored.candidate.subset for each in found],
            "members": [len(each.seeds) for each in found],
            "seeds": [" ".join(map(str, each.seeds)) for each in found],
            "held_out_f1": [each.scored.held_out_f1 for each in found],
            "fitted_f1": [each.scored.fitted_f1 for each in found],
            "cut": [each.scored.rule.threshold for each in found],
        }
    )
