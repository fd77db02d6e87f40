"""``smm4h predict``: a bundle's answers on posts, however many there are."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ray_jobs.commands.bundle_argument import BundleArgument
from ray_jobs.commands.tasks import require_kind, require_parts
from ray_jobs.console import notices, print_json
from smm4h_core.corpora.shapes import Task
from smm4h_core.corpora.smm4h import POSTS_FILE
from smm4h_core.reports import RowKind
from smm4h_core.tables.rows import SUFFIXES
from smm4h_core.types import Lang

if TYPE_CHECKING:
    from smm4h_core.batch import Source
    from smm4h_core.corpora.submission import Answer
    from smm4h_core.pipeline import Pipeline
    from smm4h_core.tables.rows import Row
    from smm4h_core.types import Report

STREAM = "-"
SUBMISSIONS = (".tsv", ".zip")


def predict(
    bundle: BundleArgument,
    source: Annotated[
        str,
        typer.Argument(metavar="IN", help="A table, a split folder, or - for a post a line."),
    ],
    out: Annotated[str, typer.Argument(metavar="OUT", help="A table, or - for JSON lines.")],
    task: Annotated[
        Task | None, typer.Option(help="Write a submission of this task (.tsv or .zip).")
    ] = None,
    rows: Annotated[
        RowKind, typer.Option(help="A row a post, or one for each drug and effect said of it.")
    ] = "posts",
    lang: Annotated[
        Lang | None, typer.Option(help="Language of posts that state none; else it is detected.")
    ] = None,
    extract_all: Annotated[
        bool, typer.Option("--extract-all", help="Seek spans in posts classified NoADE, too.")
    ] = False,
    errors: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Leave out rows that cannot be read; rows.csv there has them, and why.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Answer posts. Tables keep all their columns; the same command goes on after a kill."""
    _check_ends(source, out, endings=SUFFIXES if task is None else SUBMISSIONS)
    if task is not None:
        require_parts(bundle, task)
    if rows == "pairs":
        if task is not None:
            raise typer.BadParameter("a submission has its own rows", param_hint="--rows")
        require_kind(bundle, "extractor", "rows of pairs", hint="--rows")
    if json and out == STREAM:
        raise typer.BadParameter("standard output holds the answers", param_hint="--json")
    from smm4h_core.batch import (
        answer_in_parts,
        answer_rows,
        count_reports,
        open_lines,
        open_table,
        refuse_doubled_ids,
    )
    from smm4h_core.pipeline import load_pipeline
    from smm4h_core.tables.write import refuse_for_tsv

    if source == STREAM:
        posts = open_lines(sys.stdin.buffer, "standard input", lang=lang, errors=errors)
    else:
        accept = (lambda: refuse_for_tsv) if Path(out).suffix == ".tsv" else None
        posts = open_table(
            _posts_file(source),
            lang=lang,
            accept=accept if task is None else refuse_doubled_ids,
            errors=errors,
        )
    pipeline = load_pipeline(bundle)
    started = time.perf_counter()
    with _progress(posts.num_rows) as advance:
        if source != STREAM and task is None and out != STREAM:
            counts = answer_in_parts(
                *(pipeline, posts, Path(out)),
                job={**_describe_job(pipeline, _posts_file(source)), "lang": lang},
                rows=rows,
                extract_all=extract_all,
                on_rows=advance,
            )
        else:
            counts = Counter({"posts": 0})
            answers = answer_rows(pipeline, posts, extract_all=extract_all)
            _write(out, task, rows, posts, count_reports(answers, counts, advance))
    seconds = time.perf_counter() - started

    parts = pipeline.bundle
    summary = {
        "bundle": parts.label,
        "posts": counts["posts"],
        "unreadable": posts.num_bad,
        "positives": counts["positives"] if parts.classifiers else None,
        "mentions": counts["mentions"] if parts.extractors else None,
        "pairs": counts["pairs"] if parts.extractors else None,
        "posts_per_s": (counts["posts"] - counts["resumed"]) / seconds,
    }
    if json:
        print_json(summary)
    named = {"positives": "ADE", "mentions": "mentions", "pairs": "pairs"}
    found = "".join(f"{summary[k]} {n}, " for k, n in named.items() if summary[k] is not None)
    left = f"{posts.num_bad} unreadable, see {errors}, " if posts.num_bad else ""
    notices().print(
        f"{counts['posts']} posts, {left}{found}{summary['posts_per_s']:.0f} posts/s", markup=False
    )


def _write(
    out: str,
    task: Task | None,
    rows: RowKind,
    posts: Source,
    answered: Iterator[tuple[Row, Report]],
) -> None:
    from json import dumps

    from smm4h_core.batch import write_answers
    from smm4h_core.corpora.submission import write_submission
    from smm4h_core.reports import pairs_to_cells, report_to_json

    if out == STREAM and rows == "pairs":
        for _, report in answered:
            for pair in pairs_to_cells(report):
                typer.echo(dumps({"post_id": report.post_id, "lang": report.lang, **pair}))
    elif out == STREAM:
        for _, report in answered:
            typer.echo(dumps(report_to_json(report)))
    elif task is None:
        write_answers(Path(out), posts, answered, rows=rows)
    else:
        write_submission(Path(out), task, (_answer(report) for _, report in answered))


@contextmanager
def _progress(total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar where somebody watches."""
    from rich.progress import Progress

    console = notices()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("answering", total=total)
        yield lambda rows: progress.advance(task, rows)


def _describe_job(pipeline: Pipeline, source: Path) -> dict[str, Any]:
    """What must be the same for a call to go on with another's answers."""
    stated = source.stat()
    return {
        "bundle": pipeline.bundle.manifest["sha256"],
        "source": [str(source.resolve()), stated.st_size, stated.st_mtime_ns],
    }


def _answer(report: Report) -> Answer:
    """What a submission says of a post: its decision, or that it mentions an ADE."""
    from smm4h_core.corpora.submission import Answer

    mentions = tuple(each.mention for each in report.mentions or ())
    return Answer(report.post_id, report.ade.is_ade if report.ade else bool(mentions), mentions)


def _posts_file(source: str) -> Path:
    path = Path(source)
    return path / POSTS_FILE if path.is_dir() else path


def _check_ends(source: str, out: str, *, endings: tuple[str, ...]) -> None:
    if source != STREAM and not Path(source).exists():
        raise typer.BadParameter(f"{source}: no such file or folder", param_hint="IN")
    if out == STREAM and endings == SUFFIXES:
        return
    if Path(out).suffix not in endings:
        raise typer.BadParameter(
            f"{out}: expected a name ending in {', '.join(endings)}", param_hint="OUT"
        )
    if source != STREAM and Path(out).resolve() == _posts_file(source).resolve():
        raise typer.BadParameter(f"{out}: would replace the posts", param_hint="OUT")
    if not Path(out).parent.is_dir():
        raise typer.BadParameter(f"{out}: no such folder: {Path(out).parent}", param_hint="OUT")
