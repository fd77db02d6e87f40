"""``smm4h tune``: a search over members, or over ensembles of members that are trained."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ray_jobs.commands.tables import print_table
from ray_jobs.console import notices, print_json, results

if TYPE_CHECKING:
    from ray_jobs.ensemble_search_run import EnsembleSearchOutcome
    from ray_jobs.search_run import SearchOutcome
    from smm4h_core.search.config import EnsembleSearchConfig, SearchConfig

MOST_ROWS = 10
"""Trials printed, the best; the table on disk holds all."""


def tune(
    config: Annotated[Path, typer.Argument(help="The search's YAML.", exists=True, dir_okay=False)],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key.path=value, over the YAML; repeatable.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Search configurations, or ensembles of stored predictions. The same command resumes."""
    from smm4h_core.search.config import EnsembleSearchConfig, read_search

    search = read_search(config, overrides or [])
    if isinstance(search, EnsembleSearchConfig):
        from ray_jobs.ensemble_search_run import run_ensemble_search

        ensembles = run_ensemble_search(search)
        if json:
            print_json(_ensembles_to_json(ensembles))
        else:
            print_ensembles(search, ensembles)
        return
    from ray_jobs.search_run import run_search

    outcome = run_search(*search)
    for trial in outcome.trials:
        if trial.state == "failed":
            notices().print(f"trial {trial.number} failed: {trial.error}", markup=False)
    if outcome.exhausted:
        notices().print(f"the space holds no more than {len(outcome.trials)} combinations")
    if json:
        print_json(_trials_to_json(outcome))
    else:
        print_trials(search[0], outcome)


def _trials_to_json(outcome: SearchOutcome) -> dict[str, Any]:
    return {
        "search": outcome.location,
        "trained": outcome.num_trained,
        "best": asdict(outcome.best),
        "trials": [asdict(trial) for trial in outcome.trials],
        "plots": list(outcome.pictures),
    }


def print_trials(config: SearchConfig, outcome: SearchOutcome) -> None:
    """Print the best trials and where everything lies."""
    from ray_jobs.live_trials import count_states, short

    out = results()
    out.print(f"{config.name}: {count_states(outcome.trials, config.trials)}")
    scored = [trial for trial in outcome.trials if trial.state != "failed"]
    scored.sort(key=lambda trial: (trial is not outcome.best, -(trial.dev_f1 or 0.0)))
    keys = [key for key, domain in config.space.items() if len(domain.extremes) > 1]
    print_table(
        [
            (
                str(trial.number),
                trial.state,
                f"{trial.dev_f1:.3f}",
                str(trial.num_epochs),
                *(short(trial.values[key]) if key in trial.values else "" for key in keys),
            )
            for trial in scored[:MOST_ROWS]
        ],
        headings=("trial", "state", "dev F1", "epochs", *(k.rpartition(".")[2] for k in keys)),
        num_left=2,
    )
    _print_places(outcome.location, outcome.pictures)


def _ensembles_to_json(outcome: EnsembleSearchOutcome) -> dict[str, Any]:
    return {
        "search": outcome.location,
        "best": outcome.result,
        "candidates": [
            {
                "run": each.run.config.name,
                **asdict(each.scored.candidate),
                "seeds": list(each.seeds),
                "held_out_f1": each.scored.held_out_f1,
                "fitted_f1": each.scored.fitted_f1,
            }
            for each in outcome.found
        ],
        "plots": list(outcome.pictures),
    }


def print_ensembles(config: EnsembleSearchConfig, outcome: EnsembleSearchOutcome) -> None:
    """Print the best ensembles and where everything lies."""
    out = results()
    out.print(f"{config.name}: {len(outcome.found)} ensembles of stored predictions")
    best_first = sorted(
        outcome.found,
        key=lambda each: (each is not outcome.best, -each.scored.held_out_f1, len(each.seeds)),
    )
    print_table(
        [
            (
                each.run.config.name,
                each.scored.candidate.rule,
                each.scored.candidate.subset,
                str(len(each.seeds)),
                each.scored.candidate.threshold,
                f"{each.scored.held_out_f1:.3f}",
                f"{each.scored.fitted_f1:.3f}",
            )
            for each in best_first[:MOST_ROWS]
        ],
        headings=("run", "rule", "subset", "members", "threshold", "held-out F1", "fitted F1"),
        num_left=3,
    )
    low, high = outcome.interval.low, outcome.interval.high
    out.print(
        f"best: F1 {outcome.best.scored.held_out_f1:.3f} [{low:.3f}, {high:.3f}] held out from its "
        f"fit on {config.split}; as the best of {len(outcome.found)}, still a little flattered"
    )
    test = outcome.result["test"]
    if test is not None:
        low, high = test["ci95"]["f1"]
        out.print(f"test: F1 {test['f1']:.3f} [{low:.3f}, {high:.3f}]")
    _print_places(outcome.location, outcome.pictures)


def _print_places(location: str, pictures: tuple[str, ...]) -> None:
    out = results()
    out.print(f"best run  {location}/best.yaml", markup=False)
    out.print(f"trials    {location}/trials.csv", markup=False)
    for picture in pictures:
        out.print(f"plot      {picture}", markup=False)
