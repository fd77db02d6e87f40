"""Where a post's journey loses what it loses: ``python -m benchmarks --only end_to_end``.

A bundle of finished runs answers a corpus's test posts, each stage once with what the stage before
it said and once with what the annotators said.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from benchmarks.reach import TARGETS, judge
from benchmarks.runs import config_path, finished_run
from benchmarks.section import BenchmarkError, Section, with_interval
from smm4h_core.bundle import CLASSIFIER, EXTRACTOR, LINKER, Bundle, load_bundle
from smm4h_core.bundle_build import join_bundles
from smm4h_core.config import read_config
from smm4h_core.encoders.load import locate_encoder
from smm4h_core.encoders.precision import choose_device
from smm4h_core.errors import Smm4hError
from smm4h_core.evaluation.mentions import MentionScore
from smm4h_core.evaluation.served import (
    score_gold_links,
    score_mention_reports,
    score_reports,
)
from smm4h_core.evaluation.spans import SpanTask
from smm4h_core.members.data import read_run_posts
from smm4h_core.pipeline import Pipeline, load_pipeline
from smm4h_core.types import AnnotatedPost

STARTER = "package:smm4h_core/starter"
CORPORA = MappingProxyType(
    {
        "psytar": ("PsyTAR", ("psytar_text", "psytar_extract", "psytar_link")),
        "rudrec": ("RuDReC", ("rudrec_text", "rudrec_extract", "rudrec_link")),
    }
)
"""What they are called, and the runs of classifier, extractor and linker."""
KINDS = (CLASSIFIER, EXTRACTOR, LINKER)
SERVED = ("linked mentions", "let through")
"""The stage and what it is given, as `smm4h predict` answers."""
HEADINGS = (
    *("corpus", "bundle", "stage", "posts read", "official strict", "official relaxed [95 %]"),
    *("one-to-one strict", "one-to-one relaxed"),
)
NOTES = (
    "Test posts, F1; classified: of labels; linked: gold mentions, acc@1. Posts read: those whose "
    "mentions are sought: all, those that the classifier lets through (served so), or those that "
    "the annotators say report an ADE. Intervals: bootstrap by review.",
)


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One row: a stage with what it was given."""

    name: str
    """What is scored."""
    given: str
    """Whose mentions are sought, or linked."""
    value: float | None = None
    """Its one measure, where it has one."""
    mentions: MentionScore | None = None
    """Else its mentions' scores."""


def measure() -> Section:
    """Answer each corpus's test posts by its own runs and by the starter bundle."""
    device = choose_device()
    rows, verdicts, missing = [], [], []
    data: dict[str, Any] = {}
    for key, (corpus, runs) in CORPORA.items():
        for bundle in ("own", "starter"):
            try:
                own = bundle == "own"
                pipeline = (
                    Pipeline(load_joined(runs), device=device) if own else load_starter(device)
                )
                stages = measure_stages(pipeline, posts_of(runs[2]), posts_of(runs[1]))
            except Smm4hError as error:
                missing.append(f"{corpus}, {bundle}: {error}")
                continue
            rows += [(corpus, bundle, *_cells(stage)) for stage in stages]
            data[f"{key}.{bundle}"] = {f"{e.name}, {e.given}": _plain(e) for e in stages}
            name = f"{key}.end_to_end"
            if bundle == "own" and name in TARGETS:
                served = next(e for e in stages if (e.name, e.given) == SERVED)
                assert served.mentions is not None
                verdicts.append(judge(name, served.mentions.score.official.relaxed.f1))
    return Section(
        title="From post to concept, stage by stage",
        headings=HEADINGS,
        rows=tuple(rows),
        data=data,
        notes=NOTES,
        missing=tuple(missing),
        verdicts=tuple(verdicts),
    )


def posts_of(run: str) -> list[AnnotatedPost]:
    """The test posts that a run's configuration names, trained or not."""
    return list(read_run_posts(read_config(config_path(run))).test)


def load_joined(runs: Sequence[str]) -> Bundle:
    """A bundle of finished runs' parts.

    Raises:
        BenchmarkError: a run is not finished.
    """
    bundles = [Path(finished_run(name)[1].root) / "bundle" for name in runs]
    with tempfile.TemporaryDirectory() as folder:
        joined = Path(folder) / "joined"
        sources = list(zip(KINDS, bundles, strict=True))
        join_bundles(sources, name="joined", version="1", folder=joined)
        return load_bundle(joined)


def load_starter(device: torch.device) -> Pipeline:
    """The bundle that the package carries."""
    folder = locate_encoder(STARTER)
    assert folder is not None
    return load_pipeline(folder, device=device)


def measure_stages(
    pipeline: Pipeline,
    posts: Sequence[AnnotatedPost],
    marked: Sequence[AnnotatedPost] | None = None,
) -> list[Stage]:
    """Score each stage on what it is served and on gold.

    Args:
        pipeline: Of a bundle with parts of all kinds.
        posts: Posts with the mentions that have a concept, which links are scored on.
        marked: The same posts with all their mentions; None where all have a concept.

    Raises:
        BenchmarkError: a bundle that lacks a kind of part.
    """
    bundle = pipeline.bundle
    if not (bundle.classifiers and bundle.extractors and bundle.linkers):
        raise BenchmarkError(f"{bundle.label}: expected parts of all kinds: {', '.join(KINDS)}")
    # One pass: what the gate lets through is answered as it would be without it.
    reports = pipeline.process([each.post for each in posts], extract_all=True)
    langs = {each.post.lang for each in posts}
    linkers = [part for lang, part in bundle.linkers.items() if lang in langs]
    codes = {
        code: concept_id
        for part in linkers
        for code, concept_id in part.linker.terminology.concept_of_code.items()
    }
    gates = {
        "all": [True] * len(posts),
        "let through": [report.ade is not None and report.ade.is_ade for report in reports],
        "gold ADE": [bool(post.label) for post in posts],
    }
    stages = [Stage("classified", "all", score_reports(posts, reports).score.f1)]
    tasks: tuple[tuple[str, SpanTask], ...] = (("mentions", "1b"), ("linked mentions", "1c"))
    for name, task in tasks:
        for given, passes in gates.items():
            kept = [
                report if passed else replace(report, mentions=())
                for report, passed in zip(reports, passes, strict=True)
            ]
            gold = (marked or posts) if task == "1b" else posts
            scored = score_mention_reports(gold, kept, task=task, concept_of_code=codes)
            stages.append(Stage(name, given, mentions=scored))
    linked = score_gold_links(posts, linkers, device=pipeline.device)
    return [*stages, Stage("linked", "gold mentions", linked.all.acc_1)]


def _cells(stage: Stage) -> tuple[str, ...]:
    if stage.mentions is None:
        return (stage.name, stage.given, f"{stage.value:.3f}", "", "", "")
    score, ci95 = stage.mentions.score, stage.mentions.ci95
    low, high = ci95.official.relaxed.f1.low, ci95.official.relaxed.f1.high
    return (
        *(stage.name, stage.given, f"{score.official.strict.f1:.3f}"),
        with_interval(score.official.relaxed.f1, (low, high)),
        *(f"{score.one_to_one.strict.f1:.3f}", f"{score.one_to_one.relaxed.f1:.3f}"),
    )


def _plain(stage: Stage) -> Mapping[str, Any]:
    return stage.mentions.to_json() if stage.mentions else {"value": stage.value}
