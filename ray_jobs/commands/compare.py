"""``smm4h compare``: several runs in one table, as papers print it, with significance."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ray_jobs.commands.tables import print_table
from ray_jobs.console import notices, print_json, results

if TYPE_CHECKING:
    from smm4h_core.evaluation.significance import Comparison
    from smm4h_core.members.comparison import RunAnswers

Split = Literal["test", "dev", "oof"]


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Folders or URIs of finished runs.")
    ],
    split: Annotated[Split, typer.Option(help="Which posts to compare on.")] = "test",
    baseline: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="The run to beat; if unset, the first on the same posts."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Also save comparison.md, comparison.csv, comparison.png."
        ),
    ] = None,
) -> None:
    """Compare runs on the same posts: scores, spread over seeds, difference to the baseline."""
    if json and markdown:
        raise typer.BadParameter("choose --json or --markdown", param_hint="--markdown")
    if baseline is not None and baseline not in runs:
        raise typer.BadParameter(f"{baseline} is none of the runs given", param_hint="--baseline")
    from smm4h_core.members.comparison import compare_in_blocks, read_answers
    from smm4h_core.storage import open_storage

    read = {run: read_answers(open_storage(run), split) for run in dict.fromkeys(runs)}
    flat = [answers for each in read.values() for answers in each]
    if baseline is None:
        blocks = compare_in_blocks(flat)
    else:
        blocks = tuple(
            block
            for against in read[baseline]
            for block in compare_in_blocks(
                [each for each in flat if each.measure == against.measure], against
            )
        )
    if json:
        described = [_describe(*row, block.baseline.name) for block in blocks for row in block.rows]
        print_json({"split": split, "baseline": blocks[0].baseline.name, "runs": described})
    from smm4h_core.members.comparison_table import (
        HEADINGS,
        SYNTHETIC_NOTE,
        format_markdown,
        format_row,
        is_synthetic,
        save_comparison,
        title_of,
    )

    if markdown:
        results().out(format_markdown(blocks, split), end="")
    elif not json:
        for block in blocks:
            rows = [format_row(*row) for row in block.rows]
            print_table(rows, headings=HEADINGS, title=title_of(block, split))
        if is_synthetic(blocks):
            results().out(f"\n{SYNTHETIC_NOTE}")
    if out is not None:
        save_comparison(blocks, split, out)
        saved = f"saved comparison.md, comparison.csv, comparison.png in {out}"
        notices().print(saved, markup=False)


def _describe(run: RunAnswers, comparison: Comparison | None, baseline: str) -> dict[str, Any]:
    names = ("precision", "recall", "f1", "ci95", "members")
    return {
        "run": run.name,
        "measure": run.measure,
        "synthetic": run.synthetic,
        "baseline": baseline,
        "n": len(run.gold),
        **{name: run.scores[name] for name in names},
        "against_baseline": None if comparison is None else asdict(comparison),
    }
