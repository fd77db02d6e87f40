"""``smm4h data``: what is wrong with a corpus; one in another shape; a synthetic one."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ray_jobs.commands.tables import print_table
from ray_jobs.console import notices, print_json, results
from smm4h_core.types import Lang

if TYPE_CHECKING:
    from smm4h_core.corpora.convert import Conversion
    from smm4h_core.corpora.problems import Problem

_LANGS: tuple[Lang, ...] = ("en", "ru")
_SPLITS: tuple[Literal["train", "dev", "test"], ...] = ("train", "dev", "test")

_MAX_TOLD = 20
"""Problems of a conversion that a person is shown; ``--json`` and ``data check`` give them all."""

app = typer.Typer(help="Check and convert corpora; write the sample.", no_args_is_help=True)


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
        listed = [_describe(problem) for problem in problems]
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


@app.command()
def convert(
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", exists=True, help="The original's folder or file."),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", file_okay=False, help="A new or empty folder.")
    ],
    source_format: Annotated[
        Literal["cadec", "cometa", "rudrec", "psytar", "ade_corpus"] | None,
        typer.Option("--format", help="Whose shape SOURCE has; told by its shape if left out."),
    ] = None,
    concepts: Annotated[
        str | None,
        typer.Option(
            help="cadec: meddra or sct; cometa: specific or general; rudrec: umls or meddra; "
            "psytar: umls or snomed. The first if left out."
        ),
    ] = None,
    by: Annotated[
        Literal["sentence", "document"] | None,
        typer.Option(help="What becomes a post; what it is in SOURCE if left out."),
    ] = None,
    dev: Annotated[float, typer.Option(help="Share of the development part.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share of the test part.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the parts.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Turn a public original into SMM4H shape: OUT/train, OUT/dev and OUT/test."""
    from smm4h_core.corpora.convert import convert as convert_original

    done = convert_original(
        source,
        out,
        source_format=source_format,
        concepts=concepts,
        unit=by,
        dev=dev,
        test=test,
        seed=seed,
    )
    if json:
        counts = asdict(done)
        counts["problems"] = [_describe(problem) for problem in done.problems]
        print_json(counts)
        return
    print_table(
        [
            (name, *(f"{count:,}" for count in asdict(part).values()))
            for name, part in done.parts.items()
        ],
        headings=("part", "posts", "positive", "spans", "in parts", "with a concept"),
        title=f"{out}: {done.unit}s",
    )
    _tell(done)


def _tell(done: Conversion) -> None:
    told = notices()
    what = {
        "posts left out that repeat an earlier one's words": done.repeats,
        "posts left out without text": done.empty,
        "posts whose tabs and line ends became blanks": done.flattened,
        "posts with a near-duplicate, which stands in the same part": done.near_duplicates,
    }
    for label, count in what.items():
        told.print(f"{count:>7,} {label}", markup=False)
    for kind, count in done.dropped.items():
        told.print(f"{count:>7,} annotations of type {kind} not converted", markup=False)
    for code, count in sorted(Counter(problem.code for problem in done.problems).items()):
        told.print(f"{count:>7,} [{code}]", markup=False)
    for problem in done.problems[:_MAX_TOLD]:
        told.print(str(problem), markup=False)
    if len(done.problems) > _MAX_TOLD:
        told.print(f"… and {len(done.problems) - _MAX_TOLD:,} more: smm4h data check", markup=False)


def _describe(problem: Problem) -> dict[str, Any]:
    return {
        "path": str(problem.path),
        "line": problem.line,
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
    }
