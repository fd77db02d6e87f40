"""A split by its name in a configuration: a file, a split folder, or the synthetic sample."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from smm4h_core.corpora.shapes import Task
from smm4h_core.corpora.smm4h import read_annotated
from smm4h_core.errors import DataError
from smm4h_core.types import AnnotatedPost, Lang

_SAMPLE = re.compile(r"sample:(en|ru)/(train|dev|test)")


def read_source(name: str, task: Task, lang: Lang, root: Path) -> Sequence[AnnotatedPost]:
    """Read the annotated posts that ``name`` stands for.

    Args:
        name: A path, relative to ``root`` unless absolute, or ``sample:<lang>/<split>``, which is
            synthetic: made by a generator that the package carries.
        task: Which annotation is wanted.
        lang: Language of the posts; the sample states its own.
        root: Where relative paths start.

    Raises:
        DataError: there is nothing of that name, or it is not as its format has it.
    """
    if name.startswith("sample:"):
        found = _SAMPLE.fullmatch(name)
        if found is None:
            raise DataError(f"{name}: expected sample:<en|ru>/<train|dev|test>")
        from smm4h_core.corpora.sample.generate import Split, sample_split

        return sample_split(cast(Lang, found.group(1)), cast(Split, found.group(2)))
    path = root / name
    if not path.exists():
        raise DataError(
            f"{path}: no such file or folder (where the corpora lie is said by data.root, "
            f"for instance --set data.root=DIR)"
        )
    return read_annotated(path, task, lang=lang)
