"""``smm4h demo``: the main job on the embedded synthetic sample, told as a tour."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ray_jobs.commands.tables import print_table
from ray_jobs.commands.train import print_scores
from ray_jobs.console import results

if TYPE_CHECKING:
    from smm4h_core.types import AnnotatedPost, Lang, Report

LABELLED = 5
"""Posts shown per language."""


def demo(
    storage: Annotated[str, typer.Option(help="Folder that everything is written to.")] = "runs",
) -> None:
    """Train a small ensemble on the synthetic sample, score it, label ten posts."""
    from ray_jobs.run import run_training
    from smm4h_core.config import read_config
    from smm4h_core.corpora.sample import sample_split
    from smm4h_core.pipeline import load_pipeline

    with resources.as_file(resources.files("tune_configs") / "embedded/demo.yaml") as path:
        config = read_config(path, [f"storage={storage}"])
        config_path = path
    languages: tuple[Lang, ...] = ("en", "ru")

    _step(1, "The posts", "smm4h data sample FOLDER writes them in the shared task's format")
    for lang in languages:
        train = sample_split(lang, "train")
        positives = sum(bool(post.label) for post in train)
        _say(f"{lang}: {len(train)} SYNTHETIC posts to train on, {positives} report an effect")
        _say(f"    {train[2].post.text}")

    seeds = len(config.ensemble.seeds)
    _step(2, f"Ray Train trains {seeds} members in parallel", f"smm4h train {_short(config_path)}")
    _say("the encoder comes with an installed package; nothing is downloaded")
    outcome = run_training(config)
    if outcome.num_trained:
        _say(
            f"{outcome.num_trained} member(s) on {outcome.num_workers} worker(s) in "
            f"{outcome.wall_s:.0f} s; the sum of their own seconds is {outcome.member_s:.0f}"
        )
    else:
        _say("all members were trained by an earlier run; the same command resumes")

    _step(3, "Their mean is scored", f"smm4h compare {outcome.run_location}")
    print_scores(outcome.result["splits"])
    _say("the posts are synthetic: these numbers say nothing about real text")

    _step(4, "The bundle labels ten posts", f"smm4h predict {outcome.bundle_location} IN OUT")
    pipeline = load_pipeline(Path(outcome.bundle_location))
    shown = [post for lang in languages for post in sample_split(lang, "test")[:LABELLED]]
    print_table(
        [
            _row(annotated, report)
            for annotated, report in zip(
                shown, pipeline.process([each.post for each in shown]), strict=True
            )
        ],
        headings=("post", "drug", "gold", "answer", "prob", "votes"),
        num_left=4,
    )

    _step(5, "Where everything lies", "smm4h bundle show BUNDLE")
    for name, what in (
        ("members/", "each member's weights, predictions and record"),
        ("answers.parquet", "the ensemble's answer to every dev and test post"),
        ("result.json", "scores with intervals"),
        ("bundle/", "what predict, evaluate and serving load"),
    ):
        _say(f"{outcome.run_location}/{name}  {what}")


def _row(annotated: AnnotatedPost, report: Report) -> tuple[str, ...]:
    words = {True: "ADE", False: "-"}
    assert report.ade is not None  # the demo's bundle is a classifier
    return (
        annotated.post.text,
        ", ".join(dict.fromkeys(drug.name for drug in report.drugs)) or "-",
        words[bool(annotated.label)],
        words[report.ade.is_ade],
        f"{report.ade.prob:.2f}",
        f"{report.ade.votes}/{report.ade.num_members}",
    )


def _step(number: int, title: str, command: str) -> None:
    out = results()
    out.print(f"\n[bold]{number}. {title}[/]")
    out.print(f"   $ {command}", style="dim", markup=False)


def _say(line: str) -> None:
    results().print(f"   {line}", markup=False)


def _short(path: Path) -> str:
    return "/".join(path.parts[-3:])
