"""``smm4h train``: one set-up, from members to bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ray_jobs.commands.tables import print_table
from ray_jobs.console import notices, print_json, results
from smm4h_core.measures import shown_measures


def train(
    config: Annotated[Path, typer.Argument(help="The run's YAML.", exists=True, dir_okay=False)],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key.path=value, over the YAML; repeatable.")
    ] = None,
    inline: Annotated[
        bool, typer.Option(help="Train in this process, without Ray, one member after another.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train an ensemble: members, rule, thresholds, bundle. The same command resumes."""
    from ray_jobs.run import run_training
    from smm4h_core.config import read_config

    run_config = read_config(config, overrides or [])
    outcome = run_training(run_config, inline=inline)
    if outcome.num_truncated:
        length = run_config.encoder.max_length
        notices().print(f"{outcome.num_truncated} post(s) were cut at {length} word-pieces")
    for place in outcome.failed:
        notices().print(f"goes on without {place.member.name}: {place.error}", markup=False)
    if json:
        print_json(
            {
                "run": outcome.run_location,
                "bundle": outcome.bundle_location,
                "trained": outcome.num_trained,
                "workers": outcome.num_workers,
                "wall_s": outcome.wall_s,
                "member_s": outcome.member_s,
                **outcome.result,
            }
        )
        return
    out = results()
    out.print(
        f"{run_config.name}: {outcome.num_trained} member(s) trained in {outcome.wall_s:.0f} s"
    )
    print_scores(outcome.result["splits"])
    out.print(f"run     {outcome.run_location}", markup=False)
    out.print(f"bundle  {outcome.bundle_location}", markup=False)


def print_scores(splits: Mapping[str, Any]) -> None:
    """Print scores by split: P, R, F1 with its interval, the members' mean and spread beside.

    Spans have a line for strict and one for relaxed matches, one to one.
    """
    rows = []
    for split, score in splits.items():
        name = split if split == "test" else f"{split} (chosen on)"
        ece = "" if score["ece"] is None else f"{score['ece']:.3f}"
        for measure, numbers in shown_measures(score).items():
            members = numbers["members"]
            spread = "" if members["sd"] is None else f" ± {members['sd']:.3f}"
            cells = _score_cells(score["n"], measure, numbers)
            rows.append((name, *cells, f"{members['mean']:.3f}{spread}", ece))
        rows += [
            (f"  {lang}", *_score_cells(own["n"], measure, numbers), "", "")
            for lang, own in score["by_lang"].items()
            for measure, numbers in shown_measures(own).items()
        ]
    headings = ("split", "posts", "measure", "P", "R", "F1 [95 %]", "members' F1", "ECE")
    print_table(rows, headings=headings)


def _score_cells(num_posts: int, measure: str, numbers: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = numbers["ci95"]["f1"]
    return (
        str(num_posts),
        measure,
        f"{numbers['precision']:.3f}",
        f"{numbers['recall']:.3f}",
        f"{numbers['f1']:.3f} [{low:.3f}, {high:.3f}]",
    )
