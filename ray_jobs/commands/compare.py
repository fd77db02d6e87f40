"""``smm4h compare``: several runs in one table, as papers print it, with significance."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ray_jobs.commands.tables import print_table
from ray_jobs.console import print_json, results

if TYPE_CHECKING:
    from smm4h_core.evaluation.significance import Comparison
    from smm4h_core.members.comparison import RunAnswers

Split = Literal["test", "dev", "oof"]
_HEADINGS = ("run", "members", "P", "R", "F1 [95 %]", "members' F1", "difference [95 %]", "p")


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Folders or URIs of finished runs.")
    ],
    split: Annotated[Split, typer.Option(help="Which posts to compare on.")] = "test",
    baseline: Annotated[
        str | None, typer.Option(metavar="RUN", help="The run to beat; the first if unset.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
) -> None:
    """Compare runs on the same posts: scores, spread over seeds, difference to the baseline."""
    if json and markdown:
        raise typer.BadParameter("choose --json or --markdown", param_hint="--markdown")
    if baseline is not None and baseline not in runs:
        raise typer.BadParameter(f"{baseline} is none of the runs given", param_hint="--baseline")
    from smm4h_core.members.comparison import compare_answers, read_run
    from smm4h_core.storage import open_storage

    read = {run: read_run(open_storage(run), split) for run in dict.fromkeys(runs)}
    base = read[baseline or runs[0]]
    rows = [(run, None if run is base else compare_answers(base, run)) for run in read.values()]
    if json:
        described = [_describe(run, comparison) for run, comparison in rows]
        print_json({"split": split, "baseline": base.name, "runs": described})
        return
    lines = [_cells(run, comparison) for run, comparison in rows]
    if markdown:
        rules = ("---", *("---:" for _ in _HEADINGS[1:]))
        for cells in (_HEADINGS, rules, *lines):
            results().out("| " + " | ".join(cells) + " |")
    else:
        title = f"{split}: {len(base.post_ids)} posts, baseline {base.name}"
        print_table(lines, headings=_HEADINGS, title=title)
    if any(run.synthetic for run in read.values()):
        results().out("\n* synthetic posts: these numbers say nothing about real text")


def _describe(run: RunAnswers, comparison: Comparison | None) -> dict[str, Any]:
    names = ("precision", "recall", "f1", "n", "ci95", "members")
    return {
        "run": run.name,
        "synthetic": run.synthetic,
        **{name: run.scores[name] for name in names},
        "against_baseline": None if comparison is None else asdict(comparison),
    }


def _cells(run: RunAnswers, comparison: Comparison | None) -> tuple[str, ...]:
    scores, members = run.scores, run.scores["members"]
    low, high = scores["ci95"]["f1"]
    spread = "" if members["sd"] is None else f" ± {members['sd']:.3f}"
    against = ("", "")
    if comparison is not None:
        interval = comparison.interval
        against = (
            f"{comparison.difference:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]",
            f"{comparison.permutation_p:.4f}",
        )
    return (
        f"{run.name} *" if run.synthetic else run.name,
        str(run.num_members),
        f"{scores['precision']:.3f}",
        f"{scores['recall']:.3f}",
        f"{scores['f1']:.3f} [{low:.3f}, {high:.3f}]",
        f"{members['mean']:.3f}{spread}",
        *against,
    )
