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
    """Print scores by split, a line a measure, the members' mean and spread beside."""
    rows = []
    for split, score in splits.items():
        name = split if split == "test" else f"{split} (chosen on)"
        ece = score.get("ece")
        calibration = "" if ece is None else f"{ece:.3f}"
        rows += [(name, *m.cells, m.spread, calibration) for m in shown_measures(score)]
        rows += [
            (f"  {lang}", *m.cells, "", "")
            for lang, own in score.get("by_lang", {}).items()
            for m in shown_measures(own)
        ]
    headings = ("split", "n", "measure", "P", "R", "value [95 %]", "members", "ECE")
    print_table(rows, headings=headings)
