"""``smm4h predict``: a bundle's answers on posts, however many there are."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ray_jobs.commands.tasks import require_parts
from ray_jobs.console import notices, print_json
from smm4h_core.corpora.shapes import Task
from smm4h_core.corpora.smm4h import POSTS_FILE
from smm4h_core.tables.rows import SUFFIXES
from smm4h_core.types import Lang

if TYPE_CHECKING:
    from smm4h_core.corpora.submission import Answer
    from smm4h_core.tables.rows import Row
    from smm4h_core.types import Report

STREAM = "-"
SUBMISSIONS = (".tsv", ".zip")


class _Tally:
    """Counts answers as they pass, on a progress bar where somebody watches."""

    def __init__(self) -> None:
        self.posts = 0
        self.positives = 0
        self.mentions = 0
        self.seconds = 0.0

    def watch(
        self, answered: Iterable[tuple[Row, Report]], total: int | None
    ) -> Iterator[tuple[Row, Report]]:
        from rich.progress import track

        console = notices()
        hidden = not console.is_terminal
        started = time.perf_counter()
        for row, report in track(
            answered, "answering", total=total, console=console, transient=True, disable=hidden
        ):
            self.posts += 1
            self.positives += report.ade is not None and report.ade.is_ade
            self.mentions += len(report.mentions or ())
            yield row, report
        self.seconds = time.perf_counter() - started

    @property
    def posts_per_s(self) -> float:
        return self.posts / self.seconds if self.posts else 0.0


def predict(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", exists=True, file_okay=False, help="A bundle.")
    ],
    source: Annotated[
        str,
        typer.Argument(metavar="IN", help="A table, a split folder, or - for a post a line."),
    ],
    out: Annotated[
        str, typer.Argument(metavar="OUT", help="A table, or - for JSON lines of reports.")
    ],
    task: Annotated[
        Task | None, typer.Option(help="Write a submission of this task (.tsv or .zip).")
    ] = None,
    lang: Annotated[
        Lang | None, typer.Option(help="Language of posts that state none; else it is detected.")
    ] = None,
    extract_all: Annotated[
        bool, typer.Option("--extract-all", help="Seek spans in posts classified NoADE, too.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Answer posts. Tables (.tsv .csv .jsonl .parquet) keep all their columns."""
    _check_ends(source, out, endings=SUFFIXES if task is None else SUBMISSIONS)
    if task is not None:
        require_parts(bundle, task)
    if json and out == STREAM:
        raise typer.BadParameter("standard output holds the answers", param_hint="--json")
    from json import dumps

    from smm4h_core.batch import (
        answer_rows,
        open_lines,
        open_table,
        refuse_doubled_ids,
        write_answers,
    )
    from smm4h_core.corpora.submission import write_submission
    from smm4h_core.pipeline import load_pipeline
    from smm4h_core.reports import report_to_json
    from smm4h_core.tables.write import refuse_for_tsv

    if source == STREAM:
        posts = open_lines(sys.stdin.buffer, "standard input", lang=lang)
    else:
        accept = refuse_for_tsv if Path(out).suffix == ".tsv" else None
        posts = open_table(
            _posts_file(source), lang=lang, accept=accept if task is None else refuse_doubled_ids()
        )
    pipeline = load_pipeline(bundle)
    tally = _Tally()
    answers = answer_rows(pipeline, posts, extract_all=extract_all)
    answered = tally.watch(answers, posts.num_rows)
    if out == STREAM:
        for _, report in answered:
            typer.echo(dumps(report_to_json(report)))
    elif task is None:
        write_answers(Path(out), posts, answered)
    else:
        write_submission(Path(out), task, (_answer(report) for _, report in answered))

    parts = pipeline.bundle
    positives = tally.positives if parts.classifiers else None
    mentions = tally.mentions if parts.extractors else None
    if json:
        print_json(
            {
                "bundle": pipeline.bundle.label,
                "posts": tally.posts,
                "positives": positives,
                "mentions": mentions,
                "posts_per_s": tally.posts_per_s,
            }
        )
    counts = ((positives, "ADE"), (mentions, "mentions"))
    found = "".join(f"{count} {what}, " for count, what in counts if count is not None)
    notices().print(f"{tally.posts} posts, {found}{tally.posts_per_s:.0f} posts/s")


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
