"""``smm4h data``: what is wrong with a corpus; a synthetic one to try things on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from ray_jobs.console import notices, print_json, results
from smm4h_core.types import Lang

_LANGS: tuple[Lang, ...] = ("en", "ru")
_SPLITS: tuple[Literal["train", "dev", "test"], ...] = ("train", "dev", "test")

app = typer.Typer(help="Check corpora; write the synthetic sample.", no_args_is_help=True)


@app.command()
def check(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", exists=True, help="A file, a split or a corpus.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
) -> None:
    """Say what is wrong, by file and line; exit 1 where anything must be mended."""
    from smm4h_core.corpora.check import check as find_problems

    problems = find_problems(path)
    errors = [problem for problem in problems if problem.severity == "error"]
    notes = [problem for problem in problems if problem.severity == "note"]
    if json:
        listed = [
            {
                "path": str(problem.path),
                "line": problem.line,
                "code": problem.code,
                "severity": problem.severity,
                "message": problem.message,
            }
            for problem in problems
        ]
        print_json({"errors": len(errors), "notes": len(notes), "problems": listed})
    else:
        out = results()
        for problem in errors:
            out.out(str(problem))
        if notes:
            out.out("\nnotes:" if errors else "notes:")
        for problem in notes:
            out.out(str(problem))
        out.out(f"{len(errors)} error(s), {len(notes)} note(s)")
    if errors:
        raise typer.Exit(1)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", file_okay=False)],
    seed: Annotated[int, typer.Option(help="Seed of every draw.")] = 0,
) -> None:
    """Write the synthetic sample: FOLDER/en and FOLDER/ru, each with train, dev and test."""
    from smm4h_core.corpora.sample import sample_split
    from smm4h_core.corpora.smm4h import write_annotated

    for lang in _LANGS:
        for split in _SPLITS:
            # The tasks' files hold adverse effects alone; the sample also marks drugs.
            posts = [
                replace(each, mentions=tuple(m for m in each.mentions if m.type == "ADE"))
                for each in sample_split(lang, split, seed=seed)
            ]
            write_annotated(folder / lang / split, posts, "1c")
            results().out(f"{folder / lang / split}: {len(posts)} posts")
    notices().print("synthetic posts: what is measured on them says nothing about real text")
