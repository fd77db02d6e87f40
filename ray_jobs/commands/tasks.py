"""Which tasks a bundle can answer."""

from __future__ import annotations

import typer

from smm4h_core.config import Task as ClassificationTask
from smm4h_core.corpora.shapes import Task


def require_classification(task: Task) -> ClassificationTask:
    """Refuse the tasks that need spans.

    Raises:
        BadParameter: the task is 1b or 1c.
    """
    if task == "1b" or task == "1c":
        raise typer.BadParameter(
            f"task {task} wants spans, and bundles hold no extractor: they answer 1a and 2",
            param_hint="--task",
        )
    return task
