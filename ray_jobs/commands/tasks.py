"""Which tasks a bundle can answer."""

from __future__ import annotations

from pathlib import Path

import typer

from smm4h_core.corpora.shapes import Task

_WANTED: dict[Task, tuple[str, ...]] = {
    "1a": ("classifier",),
    "1b": ("extractor",),
    "1c": ("linker", "extractor"),
    "2": ("classifier",),
}


def require_parts(
    bundle: Path, task: Task, *, gold_mentions: bool = False, hint: str = "--task"
) -> frozenset[str]:
    """Refuse a task that the bundle has no part for; answer the kinds of its parts.

    Args:
        bundle: The bundle's folder.
        task: What is asked for.
        gold_mentions: Whether mentions are given, so that the linker alone will do.
        hint: The argument that asks for it, for the error.

    Raises:
        BadParameter: a part is not among the bundle's.
        BundleError: the folder is no bundle.
    """
    wanted = _WANTED[task][:1] if gold_mentions else _WANTED[task]
    for part in wanted:
        parts = require_kind(bundle, part, f"task {task}", hint=hint)
    return parts


def require_kind(bundle: Path, part: str, wanting: str, *, hint: str) -> frozenset[str]:
    """Refuse what the bundle has no such part for; answer the kinds of its parts.

    Args:
        bundle: The bundle's folder.
        part: ``classifier``, ``extractor`` or ``linker``.
        wanting: What needs it, for the error.
        hint: The argument that asks for it, for the error.

    Raises:
        BadParameter: the part is not among the bundle's.
        BundleError: the folder is no bundle.
    """
    from smm4h_core.bundle import read_manifest
    from smm4h_core.model_card import kind_of

    parts = frozenset(kind_of(each) for each in read_manifest(bundle)["parts"])
    if part not in parts:
        raise typer.BadParameter(
            f"{wanting} needs a bundle with the part {part}; {bundle} holds no {part}, but "
            f"{', '.join(sorted(parts))} (`smm4h bundle build` joins parts of several)",
            param_hint=hint,
        )
    return parts
