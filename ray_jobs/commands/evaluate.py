"""``smm4h evaluate``: a bundle's scores on gold posts, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ray_jobs.commands.tables import print_table
from ray_jobs.commands.tasks import require_classification
from ray_jobs.console import print_json
from smm4h_core.config import Task as ClassificationTask
from smm4h_core.corpora.shapes import ALIASES, Task
from smm4h_core.corpora.smm4h import read_annotated
from smm4h_core.corpora.tsv import read_header
from smm4h_core.errors import DataError
from smm4h_core.types import Lang

_LANG_OF: dict[ClassificationTask, Lang] = {"1a": "en", "2": "ru"}


def evaluate(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", exists=True, file_okay=False, help="A bundle.")
    ],
    task: Annotated[Task, typer.Option(help="1a: English posts; 2: Russian posts.")],
    gold: Annotated[
        Path, typer.Option(metavar="FILE|FOLDER", exists=True, help="Posts with their labels.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Score a bundle on gold posts, at its own threshold."""
    classification = require_classification(task)
    if gold.is_file() and "tweet" not in read_header(gold, aliases=ALIASES):
        raise DataError(
            f"{gold}:1: expected posts' texts in a column tweet, which a bundle needs to answer; "
            f"got none (`smm4h score` compares answers without texts)"
        )
    posts = read_annotated(gold, classification, lang=_LANG_OF[classification])
    from smm4h_core.evaluation.served import score_reports
    from smm4h_core.pipeline import load_pipeline

    pipeline = load_pipeline(bundle)
    scored = score_reports(posts, pipeline.process([each.post for each in posts]))
    if json:
        answered = {"bundle": pipeline.bundle.label, "task": task, "gold": str(gold)}
        print_json({**answered, **scored.to_json()})
        return
    intervals = scored.ci95.to_json()
    rows = [
        (name, f"{value:.3f}", "[{:.3f}, {:.3f}]".format(*intervals[name]))
        for name, value in scored.score.numbers().items()
    ]
    undefined = scored.average_precision is None
    rows.append(("average precision", "-" if undefined else f"{scored.average_precision:.3f}", ""))
    rows.append(("ECE", f"{scored.ece:.3f}", ""))
    print_table(
        rows,
        headings=("measure", "value", "95 %"),
        title=f"{pipeline.bundle.label} on {gold}: task {task}, {scored.score.n} posts",
    )
