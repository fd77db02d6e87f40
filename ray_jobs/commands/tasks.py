"""Which tasks a bundle can answer."""

from __future__ import annotations

from pathlib import Path

import typer

from smm4h_core.corpora.shapes import Task

_WANTED: dict[Task, str] = {
    "1a": "classifier",
    "1b": "extractor",
    "1c": "linker",
    "2": "classifier",
}


def require_part(bundle: Path, task: Task) -> None:
    """Refuse a task that the bundle has no part for.

    Raises:
        BadParameter: the part is not among the bundle's.
        BundleError: the folder is no bundle.
    """
    from smm4h_core.bundle import read_manifest

    manifest = read_manifest(bundle)
    if _WANTED[task] not in manifest["parts"]:
        raise typer.BadParameter(
            f"task {task} needs a bundle with the part {_WANTED[task]}; {bundle} holds no "
            f"{_WANTED[task]}, but {', '.join(manifest['parts'])}",
            param_hint="--task",
        )
