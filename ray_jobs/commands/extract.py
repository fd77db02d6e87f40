"""``smm4h extract``: what a bundle says of a few posts, for people to look at."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import uuid4

import typer

from ray_jobs.collection import collecting_later
from ray_jobs.commands.bundle_argument import BUNDLE_METAVAR, bundle_folder
from ray_jobs.console import notices
from smm4h_core.corpora.smm4h import POSTS_FILE
from smm4h_core.errors import DataError
from smm4h_core.packaged import STARTER
from smm4h_core.tables.rows import SUFFIXES, in_chunks
from smm4h_core.types import Lang, Post

if TYPE_CHECKING:
    from smm4h_core.types import Report

Colour = Literal["auto", "always", "never"]
STREAM = "-"
STANDARD_INPUT = "standard input"
_PATHLIKE = (*SUFFIXES, ".txt")
"""Endings that hardly a post has: what ends so and is no file was meant for one."""
_HOW_TO_FORCE = "(standard input, -, takes any line for a text)"


def extract(
    given: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXT...|FILE|-",
            help="Texts; or one path that exists: a table, a split folder, a file with a post a "
            "line; or - for a post a line.",
        ),
    ],
    bundle: Annotated[
        Path,
        typer.Option(metavar=BUNDLE_METAVAR, parser=bundle_folder, help="The bundle that answers."),
    ] = Path(STARTER),
    lang: Annotated[
        Lang | None, typer.Option(help="Language of all posts; else as stated, or detected.")
    ] = None,
    extract_all: Annotated[
        bool, typer.Option("--extract-all", help="Seek spans in posts classified NoADE, too.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also save the marked posts as a page.")
    ] = None,
    colour: Annotated[
        Colour, typer.Option(help="auto is on a terminal, unless NO_COLOR is set.")
    ] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print a report a line as JSON.")] = False,
) -> None:
    """Mark the drugs and adverse effects in posts."""
    path = _path_among(given)
    if json and colour == "always":
        raise typer.BadParameter("JSON has no colours", param_hint="--colour")
    if html is not None:
        _check_page(html, path)
    posts = _open_posts(given, path)
    if lang:
        posts = (replace(post, lang=lang) for post in posts)
    with collecting_later():
        from smm4h_core.pipeline import load_pipeline

        languages = None
        if path is None and given != [STREAM]:
            posts, languages = _read_texts(posts, bundle)
        pipeline = load_pipeline(bundle, languages=languages)
    title = f"{pipeline.bundle.label}: {_name_source(given, path)}"
    show = _report_line if json else _choose_marking(colour)
    num_posts = 0
    with _open_page(html, title) as keep:
        for chunk in in_chunks(posts):
            reports = pipeline.process(chunk, extract_all=extract_all)
            for post, report in zip(chunk, reports, strict=True):
                num_posts += 1
                _print(show(post, report))
                keep(post, report)
        if not num_posts:
            raise DataError(f"{_name_source(given, path)}: expected at least one post, got none")
    if html is not None:
        notices().print(f"saved {html}", markup=False)


def _path_among(given: Sequence[str]) -> Path | None:
    """The file or split folder that is meant; None where texts are, or standard input.

    What exists is a path, even if it could be a text. What ends like a table and does not exist
    is a mistake: answering the letters of a path as if somebody had posted them helps nobody.
    """
    for number, each in enumerate(given, start=1):
        if each == STREAM and len(given) > 1:
            raise typer.BadParameter("- stands alone", param_hint="TEXT")
        if not each.strip():
            raise typer.BadParameter(f"text {number} is empty", param_hint="TEXT")
        path = Path(each)
        if _exists(path):
            if len(given) > 1:
                raise typer.BadParameter(
                    f"{each}: expected texts or one path; this is a path, among {len(given)} "
                    f"arguments {_HOW_TO_FORCE}",
                    param_hint="TEXT",
                )
            if path.is_dir() and not (path / POSTS_FILE).is_file():
                raise typer.BadParameter(
                    f"{each}: expected a text, a file or a folder with {POSTS_FILE}; got another "
                    f"folder {_HOW_TO_FORCE}",
                    param_hint="TEXT",
                )
            return path / POSTS_FILE if path.is_dir() else path
        if each.lower().endswith(_PATHLIKE):
            raise typer.BadParameter(
                f"{each}: looks like a path, and there is no such file {_HOW_TO_FORCE}",
                param_hint="TEXT",
            )
    return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a post longer than paths may be, or with a NUL in it
        return False


def _check_page(html: Path, path: Path | None) -> None:
    if html.is_dir() or not html.parent.is_dir():
        wrong = "is a folder" if html.is_dir() else f"no such folder: {html.parent}"
        raise typer.BadParameter(f"{html}: {wrong}", param_hint="--html")
    if path is not None and html.resolve() == path.resolve():
        raise typer.BadParameter(f"{html}: would replace the posts", param_hint="--html")


def _open_posts(given: Sequence[str], path: Path | None) -> Iterator[Post]:
    if path is None and list(given) != [STREAM]:
        return (Post(str(number), text) for number, text in enumerate(given, start=1))
    # Tables bring Arrow; a text given by itself needs none of this.
    from smm4h_core.batch import open_lines, open_table

    if path is None:
        rows = open_lines(sys.stdin.buffer, STANDARD_INPUT).rows
    elif path.suffix.lower() in SUFFIXES:
        rows = open_table(path).rows
    else:
        return _read_lines(path)
    return (row.post for row in rows)


def _read_lines(path: Path) -> Iterator[Post]:
    from smm4h_core.batch import open_lines

    with path.open("rb") as stream:
        for row in open_lines(stream, str(path)).rows:
            yield row.post


def _read_texts(posts: Iterator[Post], bundle: Path) -> tuple[Iterator[Post], set[Lang]]:
    """A few texts and their languages: what reads others need not be loaded for them."""
    from smm4h_core.bundle import read_manifest
    from smm4h_core.stages import read_posts

    read = read_posts([*posts], read_manifest(bundle)["languages"])
    return iter(read), {post.lang for post in read if post.lang}


def _name_source(given: Sequence[str], path: Path | None) -> str:
    if path is not None:
        return str(path)
    if list(given) == [STREAM]:
        return STANDARD_INPUT
    return "1 text" if len(given) == 1 else f"{len(given)} texts"


def _report_line(_: Post, report: Report) -> str:
    from json import dumps

    from smm4h_core.reports import report_to_json

    return f"{dumps(report_to_json(report))}\n"


def _choose_marking(colour: Colour) -> Callable[[Post, Report], str]:
    from smm4h_core.marked.terminal import format_marked

    watched = sys.stdout.isatty()
    # https://no-color.org: set and not empty, whatever it is set to.
    unwanted = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    in_colour = colour == "always" or (colour == "auto" and watched and not unwanted)
    width = shutil.get_terminal_size().columns if watched else None
    return lambda post, report: format_marked(post, report, colour=in_colour, width=width)


def _print(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    # Colour was decided above, and a terminal without the post's letters gets question marks.
    typer.echo(text.encode(encoding, "replace").decode(encoding), nl=False, color=True)


@contextmanager
def _open_page(html: Path | None, title: str) -> Iterator[Callable[[Post, Report], None]]:
    """Takes posts into a page, which appears whole when the block ends well."""
    if html is None:
        yield lambda _post, _report: None
        return
    from smm4h_core.marked.page import CLOSE_PAGE, open_page
    from smm4h_core.marked.report_page import REPORT_STYLE, format_article

    unfinished = html.with_name(f".{html.name}.{uuid4().hex}.partial")
    try:
        with unfinished.open("w", encoding="utf-8") as stream:
            stream.write(open_page(title, REPORT_STYLE))
            place = 0

            def keep(post: Post, report: Report) -> None:
                nonlocal place
                place += 1
                stream.write(format_article(post, report, place=place))

            yield keep
            stream.write(CLOSE_PAGE)
        unfinished.replace(html)
    finally:
        unfinished.unlink(missing_ok=True)
