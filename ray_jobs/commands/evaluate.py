"""``smm4h evaluate``: a bundle's scores on gold posts, with intervals."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from ray_jobs.commands.bundle_argument import BundleArgument
from ray_jobs.commands.tables import print_table
from ray_jobs.commands.tasks import require_parts
from ray_jobs.console import notices, print_json
from smm4h_core.corpora.shapes import ALIASES, Task
from smm4h_core.corpora.smm4h import read_annotated
from smm4h_core.corpora.tsv import read_header
from smm4h_core.errors import DataError
from smm4h_core.types import Lang, Modifier

if TYPE_CHECKING:
    from smm4h_core.evaluation.linking import LinkingScores
    from smm4h_core.evaluation.mentions import MentionScore
    from smm4h_core.evaluation.served import ReportScore
    from smm4h_core.pipeline import Pipeline
    from smm4h_core.types import AnnotatedPost, Report

_LANG_OF: dict[Task, Lang] = {"1a": "en", "2": "ru"}
_NUMBERS = ("precision", "recall", "f1")
_SPAN_HEADINGS = ("scorer", "match", "precision [95 %]", "recall [95 %]", "F1 [95 %]")


def evaluate(
    bundle: BundleArgument,
    task: Annotated[
        Task,
        typer.Option(help="1a: English posts; 2: Russian posts; 1b: spans; 1c: their concepts."),
    ],
    gold: Annotated[
        Path,
        typer.Option(metavar="FILE|FOLDER", exists=True, help="Posts with labels or spans."),
    ],
    lang: Annotated[
        Lang | None, typer.Option(help="Language of the posts; else the task's or the bundle's.")
    ] = None,
    errors: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Of 1b: also save each mistake in errors.csv, errors.html."
        ),
    ] = None,
    extract_all: Annotated[
        bool, typer.Option("--extract-all", help="Seek spans in posts classified NoADE, too.")
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Of 1b and 1c: leave out mentions in this context; repeatable."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Score a bundle on gold posts, at its own threshold."""
    require_parts(bundle, task, gold_mentions=True)
    if errors is not None and task != "1b":
        raise typer.BadParameter(f"task {task} has no spans to list", param_hint="--errors")
    left_out = _read_modifiers(without or (), task)
    if gold.is_file() and "tweet" not in read_header(gold, aliases=ALIASES):
        raise DataError(
            f"{gold}:1: expected posts' texts in a column tweet, which a bundle needs to answer; "
            f"got none (`smm4h score` compares answers without texts)"
        )
    posts = read_annotated(gold, task, lang=lang or _LANG_OF.get(task))
    from smm4h_core.evaluation.served import score_mention_reports, score_reports
    from smm4h_core.pipeline import load_pipeline

    pipeline = load_pipeline(bundle)
    reports = pipeline.process([each.post for each in posts], extract_all=extract_all)
    posts = [
        replace(each, post=replace(each.post, lang=report.lang))
        for each, report in zip(posts, reports, strict=True)
    ]
    if task == "1c":
        _evaluate_links(pipeline, posts, reports, gold, without=left_out, json=json)
        return
    scored: MentionScore | ReportScore
    headings: tuple[str, ...]
    if task == "1b":
        scored = score_mention_reports(posts, reports, without=left_out)
        num_posts, rows = len(posts), _span_rows(scored)
        headings = _SPAN_HEADINGS
    else:
        scored = score_reports(posts, reports)
        num_posts, rows = scored.score.n, _label_rows(scored)
        headings = ("measure", "value", "95 %")
    title = f"{pipeline.bundle.label} on {gold}: task {task}, {num_posts} posts"
    if errors is not None:
        _save_mistakes(errors, posts, reports, title)
    if json:
        answered = {"bundle": pipeline.bundle.label, "task": task, "gold": str(gold)}
        print_json({**answered, **scored.to_json()})
        return
    print_table(rows, headings=headings, title=title, num_left=2 if task == "1b" else 1)


def _evaluate_links(
    pipeline: Pipeline,
    posts: Sequence[AnnotatedPost],
    reports: Sequence[Report],
    gold: Path,
    *,
    without: Sequence[Modifier],
    json: bool,
) -> None:
    """Score links of gold mentions and, where the bundle finds mentions, those it finds itself."""
    from smm4h_core.evaluation.served import score_gold_links, score_mention_reports

    linkers = pipeline.bundle.linkers.values()
    given = score_gold_links(posts, linkers, device=pipeline.device)
    found: dict[str, MentionScore] = {}
    codes = ChainMap(*(dict(each.linker.terminology.concept_of_code) for each in linkers))
    stated = [mention.concept_id for each in posts for mention in each.mentions]
    num_unknown = sum(code is not None and code not in codes for code in stated)
    if pipeline.bundle.extractors:
        seen = frozenset().union(*(each.seen for each in linkers))
        counted: dict[str, Callable[[str | None], bool]] = {
            "found": lambda _: True,
            "found_seen": lambda concept_id: concept_id in seen,
            "found_unseen": lambda concept_id: concept_id not in seen,
        }
        found = {
            name: score_mention_reports(
                *(posts, reports),
                task="1c",
                concept_of_code=codes,
                without=without,
                counts=counts,
            )
            for name, counts in counted.items()
        }
    if json:
        answered = {"bundle": pipeline.bundle.label, "task": "1c", "gold": str(gold)}
        told = {name: each.to_json() for name, each in found.items()}
        print_json(
            {
                **answered,
                "num_unknown": num_unknown,
                "given": asdict(given),
                "found": None,
                **told,
            }
        )
        return
    title = f"{pipeline.bundle.label} on {gold}: task 1c, {len(posts)} posts"
    for name, each in found.items():
        of = name.partition("_")[2]
        print_table(
            _span_rows(each),
            headings=_SPAN_HEADINGS,
            title=f"{title}, mentions found{f', {of} concepts' if of else ''}",
            num_left=2,
        )
    if num_unknown:
        notices().print(
            f"{num_unknown} of {len(stated)} gold mentions have codes that the terminology lacks: "
            "they count as wrong",
            markup=False,
        )
    headings = ("mentions", "n", "acc@1 [95 %]", "acc@5 [95 %]", "MRR", "answered")
    print_table(_link_rows(given), headings=headings, title=f"{title}, gold mentions")


def _link_rows(scored: LinkingScores) -> list[tuple[str, ...]]:
    named = {
        "all": scored.all,
        "of concepts seen in training": scored.seen,
        "of unseen concepts": scored.unseen,
        "without a concept": scored.nil,
    }
    return [
        (
            name,
            str(each.n),
            f"{each.acc_1:.3f} [{each.acc_1_interval.low:.3f}, {each.acc_1_interval.high:.3f}]",
            f"{each.acc_5:.3f} [{each.acc_5_interval.low:.3f}, {each.acc_5_interval.high:.3f}]",
            f"{each.mrr:.3f}",
            f"{each.answered:.3f}",
        )
        for name, each in named.items()
        if each.acc_1_interval is not None and each.acc_5_interval is not None
    ]


def _read_modifiers(names: Sequence[str], task: Task) -> list[Modifier]:
    known = get_args(Modifier)
    if names and task not in ("1b", "1c"):
        raise typer.BadParameter(f"task {task} has no mentions", param_hint="--without")
    for name in names:
        if name not in known:
            said = f"expected one of {', '.join(known)}; got {name!r}"
            raise typer.BadParameter(said, param_hint="--without")
    return [modifier for modifier in known if modifier in names]


def _label_rows(scored: ReportScore) -> list[tuple[str, ...]]:
    intervals = scored.ci95.to_json()
    rows: list[tuple[str, ...]] = [
        (name, f"{value:.3f}", "[{:.3f}, {:.3f}]".format(*intervals[name]))
        for name, value in scored.score.numbers().items()
    ]
    undefined = scored.average_precision is None
    rows.append(("average precision", "-" if undefined else f"{scored.average_precision:.3f}", ""))
    rows.append(("ECE", f"{scored.ece:.3f}", ""))
    return rows


def _span_rows(scored: MentionScore) -> list[tuple[str, ...]]:
    found = scored.to_json()
    rows = []
    for scorer in ("official", "one_to_one"):
        for match in ("relaxed", "strict"):
            numbers = found[scorer][match]
            cells = (
                "{:.3f} [{:.3f}, {:.3f}]".format(numbers[name], *numbers["ci95"][name])
                for name in _NUMBERS
            )
            rows.append((scorer.replace("_", "-"), match, *cells))
    ece = "-" if scored.ece is None else f"{scored.ece:.3f}"
    return [*rows, ("ECE of mentions", "strict", "", "", ece)]


def _save_mistakes(
    folder: Path, posts: Sequence[AnnotatedPost], reports: Sequence[Report], title: str
) -> None:
    from smm4h_core.evaluation.mistakes import find_mistakes, format_mistakes
    from smm4h_core.evaluation.mistakes_page import format_mistakes_page

    wrong = find_mistakes(posts, [report.mentions or () for report in reports])
    folder.mkdir(parents=True, exist_ok=True)
    csv, page = format_mistakes(wrong), format_mistakes_page(wrong, title=title)
    (folder / "errors.csv").write_text(csv, encoding="utf-8", errors="replace")
    (folder / "errors.html").write_text(page, encoding="utf-8")
    notices().print(f"saved errors.csv, errors.html in {folder}", markup=False)
