"""``smm4h demo``: the whole journey on the embedded synthetic sample, told as a tour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ray_jobs.commands.tables import print_table
from ray_jobs.commands.train import print_scores
from ray_jobs.commands.tune import print_ensembles, print_trials
from ray_jobs.console import results

if TYPE_CHECKING:
    from smm4h_core.types import AnnotatedPost, Lang, Report

READ = 10
"""Posts of each language that the starter bundle reads."""
MARKED = 2
"""Of them, those shown with their marks."""
MOST_PAIRS = 10
"""Pairs of drug and effect shown."""
LANGUAGES: tuple[Lang, ...] = ("en", "ru")


def demo(
    storage: Annotated[str, typer.Option(help="Folder that everything is written to.")] = "runs",
) -> None:
    """Read posts with the starter; train, search, bundle and report on the synthetic sample."""
    from ray_jobs.ensemble_search_run import run_ensemble_search
    from ray_jobs.run import run_training
    from ray_jobs.search_run import BEST, run_search
    from smm4h_core.bundle_build import join_bundles
    from smm4h_core.config import read_config
    from smm4h_core.corpora.sample import sample_split
    from smm4h_core.packaged import STARTER, locate_bundle
    from smm4h_core.pipeline import load_pipeline
    from smm4h_core.search.config import EnsembleSearchConfig, read_search

    test = {lang: sample_split(lang, "test") for lang in LANGUAGES}
    shown = [annotated for lang in LANGUAGES for annotated in test[lang][:READ]]
    starter = locate_bundle(STARTER)

    _step(1, f"The starter bundle reads {len(shown)} posts", "smm4h extract TEXT")
    _say("it comes with the package; the posts are SYNTHETIC, made from phrases of our own")
    reports = load_pipeline(starter).process([each.post for each in shown])
    _show_marked(shown, reports)
    print_table(
        [_row(each, report) for each, report in zip(shown, reports, strict=True)],
        headings=("post", "gold", "answer", "prob", "effects found"),
        num_left=3,
    )

    with resources.as_file(resources.files("tune_configs")) as configs:
        path = configs / "embedded/demo.yaml"
        config = read_config(path, [f"storage={storage}"])
        seeds = len(config.ensemble.seeds)
        _step(2, f"Ray Train trains {seeds} members in parallel", f"smm4h train {_short(path)}")
        train = {lang: sample_split(lang, "train") for lang in LANGUAGES}
        counts = ", ".join(f"{len(posts)} {lang}" for lang, posts in train.items())
        _say(f"text and the drugs' molecules, concatenated; {counts} synthetic posts to learn from")
        outcome = run_training(config)
        if outcome.num_trained:
            _say(
                f"{outcome.num_trained} member(s) on {outcome.num_workers} worker(s) in "
                f"{outcome.wall_s:.0f} s; the sum of their own seconds is {outcome.member_s:.0f}"
            )
        else:
            _say("all members were trained by an earlier run; the same command resumes")
        print_scores(outcome.result["splits"])
        _say("the posts are synthetic: these numbers say nothing about real text")

        path = configs / "search/demo_fusion.yaml"
        search = read_search(path, [f"storage={storage}"])
        assert not isinstance(search, EnsembleSearchConfig)
        _step(3, "Ray Tune searches fusion and rate", f"smm4h tune {_short(path)}")
        print_trials(search[0], run_search(*search))

        path = configs / "search/demo_ensemble.yaml"
        joined = read_search(path, [f"storage={storage}", f"runs=[{outcome.run_location}]"])
        assert isinstance(joined, EnsembleSearchConfig)
        _step(4, "Rule, members and threshold are chosen", f"smm4h tune {_short(path)}")
        found = run_ensemble_search(joined)
        print_ensembles(joined, found)

    best = Path(found.location) / BEST
    _step(5, "The members are joined as the search found best", f"smm4h train {best}")
    chosen = run_training(read_config(best))
    _say(f"{len(found.best.seeds)} of {seeds} members; {chosen.num_trained} trained anew")

    whole = Path(storage) / "demo-bundle"
    _step(
        6,
        "One bundle is built: the new classifier, the starter's tagger and linker",
        f"smm4h bundle build {whole} --classifier {chosen.bundle_location} "
        f"--extractor {STARTER} --linker {STARTER}",
    )
    sources = [
        ("classifier", Path(chosen.bundle_location)),
        ("extractor", starter),
        ("linker", starter),
    ]
    manifest = join_bundles(sources, name="demo", version="1", folder=whole)
    _say(f"{', '.join(manifest['parts'])}; languages: {', '.join(manifest['languages'])}")

    posts = [annotated.post for lang in LANGUAGES for annotated in test[lang]]
    _step(7, f"It reports on {len(posts)} posts", f"smm4h predict {whole} IN OUT --rows pairs")
    _show_pairs(load_pipeline(whole).process(posts))

    _step(8, "Where everything lies", "smm4h bundle show BUNDLE")
    for place, what in (
        (f"{storage}/{config.name}/members/", "each member's weights, predictions and record"),
        (f"{storage}/{config.name}/result.json", "scores with intervals"),
        (f"{storage}/demo_fusion/", "trials, the best configuration and pictures"),
        (f"{storage}/demo_ensemble/", "ensembles, and the best of them"),
        (f"{whole}/", "what extract, predict, evaluate and serve load"),
    ):
        _say(f"{place}  {what}")


def _show_marked(shown: Sequence[AnnotatedPost], reports: Sequence[Report]) -> None:
    from smm4h_core.marked.terminal import format_marked

    found = [(each, report) for each, report in zip(shown, reports, strict=True) if report.mentions]
    for annotated, report in found[:MARKED]:
        marked = format_marked(annotated.post, report, colour=False)
        for line in marked.splitlines():
            _say(line)


def _row(annotated: AnnotatedPost, report: Report) -> tuple[str, ...]:
    words = {True: "ADE", False: "-"}
    assert report.ade is not None  # the starter has classifiers
    return (
        annotated.post.text,
        words[bool(annotated.label)],
        words[report.ade.is_ade],
        f"{report.ade.prob:.2f}",
        "; ".join(each.mention.text for each in report.mentions or ()) or "-",
    )


def _show_pairs(reports: Sequence[Report]) -> None:
    counts = Counter(
        (
            pair.drug.drug.name if pair.drug else "-",
            (pair.mention.link and pair.mention.link.name) or "no concept",
        )
        for report in reports
        for pair in report.pairs()
        if "negated" not in pair.mention.context
    )
    found = sum(report.ade is not None and report.ade.is_ade for report in reports)
    _say(
        f"{found} posts report an effect; {counts.total()} pairs of drug and effect, the commonest:"
    )
    print_table(
        [(drug, effect, str(count)) for (drug, effect), count in counts.most_common(MOST_PAIRS)],
        headings=("drug", "effect", "posts"),
        num_left=2,
    )


def _step(number: int, title: str, command: str) -> None:
    out = results()
    out.print(f"\n[bold]{number}. {title}[/]")
    out.print(f"   $ {command}", style="dim", markup=False)


def _say(line: str) -> None:
    results().print(f"   {line}", markup=False, soft_wrap=True)


def _short(path: Path) -> str:
    return "/".join(path.parts[-3:])
