"""A split by its name in a configuration: files, a public original, or the synthetic sample."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from smm4h_core.corpora.formats import read_original, recognise
from smm4h_core.corpora.problems import Problem, Report, refuse
from smm4h_core.corpora.scan import LEFT_OUT_TYPE, Types
from smm4h_core.corpora.shapes import Task
from smm4h_core.corpora.smm4h import read_annotated
from smm4h_core.errors import DataError
from smm4h_core.types import AnnotatedPost, Lang

_SAMPLE = re.compile(r"sample:(en|ru)/(train|dev|test)")
_EFFECTS = "sample:ru/effects"


def read_source(
    name: str,
    task: Task,
    lang: Lang,
    root: Path,
    *,
    types: Types | None = None,
    report: Report = refuse,
) -> Sequence[AnnotatedPost]:
    """Read the annotated posts that ``name`` stands for.

    Args:
        name: A path, relative to ``root`` unless absolute, or ``sample:<lang>/<split>``, which is
            synthetic: made by a generator that the package carries; ``sample:ru/effects`` is more
            of it, to train on. A public original is told by
            its shape and read whole, in its own unit, with the first of its sets of concepts.
        task: Which annotation is wanted.
        lang: Language of the posts; the sample and a public original state their own.
        root: Where relative paths start.
        types: What the labels of a split's spans become; None where they are ADE alone.
        report: Takes the problems met in a split: of types, a note a span that is left out.

    Raises:
        DataError: there is nothing of that name, or it is not as its format has it.
    """
    path = root / name
    if types is not None and (name.startswith("sample:") or recognise(path)):
        raise DataError(f"{name}: expected no types, which its reader knows; got {dict(types)}")
    if name.startswith("sample:"):
        posts = _sample(name)
        return posts if task in ("1a", "2") else [_restrict(post, task, path) for post in posts]
    if not path.exists():
        raise DataError(
            f"{path}: no such file or folder (where the corpora lie is said by data.root, "
            f"for instance --set data.root=DIR)"
        )
    if recognise(path):
        return [_restrict(post, task, path) for post in read_original(path).posts]
    return read_annotated(path, task, lang=lang, types=types, report=report)


def count_left_out(name: str, lang: Lang, root: Path, types: Types) -> int:
    """How many spans of a split its `types` leave out.

    Raises:
        DataError: as `read_source`.
    """
    left_out: list[Problem] = []

    def report(problem: Problem) -> None:
        refuse(problem)
        if problem.code == LEFT_OUT_TYPE:
            left_out.append(problem)

    read_source(name, "1b", lang, root, types=types, report=report)
    return len(left_out)


def _sample(name: str) -> Sequence[AnnotatedPost]:
    if name == _EFFECTS:
        from smm4h_core.corpora.sample.effects import effect_posts

        return effect_posts()
    found = _SAMPLE.fullmatch(name)
    if found is None:
        raise DataError(f"{name}: expected sample:<en|ru>/<train|dev|test>, or {_EFFECTS}")
    from smm4h_core.corpora.sample.generate import Split, sample_split

    return sample_split(cast(Lang, found.group(1)), cast(Split, found.group(2)))


def _restrict(annotated: AnnotatedPost, task: Task, path: Path) -> AnnotatedPost:
    """Leave a post what a file of the task would say of it."""
    if task in ("1a", "2"):
        if annotated.label is None:
            raise DataError(f"{path}: expected labels for task {task}, got a corpus of spans only")
        return replace(annotated, mentions=())
    ades = (each for each in annotated.mentions if each.type == "ADE")
    kept = (each for each in ades if task == "1b" or each.concept_id is not None)
    return replace(annotated, mentions=tuple(kept))
