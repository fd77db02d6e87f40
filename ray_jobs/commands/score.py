"""``smm4h score``: the tasks' scorers on files, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ray_jobs.commands.tables import print_table
from ray_jobs.console import print_json
from smm4h_core.corpora.shapes import Task

_NUMBERS = ("precision", "recall", "f1")


def score(
    task: Annotated[Task, typer.Option(help="1a, 2: labels; 1b: spans; 1c: spans and concepts.")],
    gold: Annotated[Path, typer.Option(metavar="FILE|FOLDER", exists=True, help="The truth.")],
    pred: Annotated[
        Path, typer.Option(metavar="FILE", exists=True, dir_okay=False, help="A .tsv or .zip.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Score predictions against gold, as the shared tasks do."""
    from smm4h_core.evaluation.submissions import score_submission

    scores = score_submission(task, gold, pred)
    if json:
        print_json(scores)
        return
    if task in ("1a", "2"):
        rows = [("labels", "exact", *_format(scores))]
    else:
        rows = [
            (scorer.replace("_", "-"), match, *_format(scores[scorer][match]))
            for scorer in ("official", "one_to_one")
            for match in ("relaxed", "strict")
        ]
    print_table(
        rows,
        headings=("scorer", "match", *_NUMBERS),
        title=f"task {task}: {scores['n']} posts",
        num_left=2,
    )


def _format(scores: dict[str, float]) -> list[str]:
    return [f"{scores[name]:.3f}" for name in _NUMBERS]
