"""Prediction posts per second: `transformers.pipeline` and ours with one trained member."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.hf_pipeline import BATCH_POSTS, build_pipeline
from benchmarks.reach import distance_from, judge
from benchmarks.rounds import measure_speed, spread_of, spread_of_ratio
from benchmarks.runs import finished_run
from benchmarks.section import Section, with_interval
from smm4h_core.bundle import Bundle, load_bundle
from smm4h_core.classify.ensemble import MeanProb
from smm4h_core.classify.part import ClassifierPart
from smm4h_core.encoders.precision import Precision, choose_device
from smm4h_core.evaluation.classification import count_labels, score_labels
from smm4h_core.evaluation.counts import Score
from smm4h_core.evaluation.intervals import Interval, bootstrap_intervals
from smm4h_core.members.data import labels_of, read_run_posts
from smm4h_core.pipeline import Pipeline
from smm4h_core.text.normalise import normalise
from smm4h_core.types import AnnotatedPost, Post

RUN = "psytar_text"
NUM_POSTS = 1500
NUM_WARM_UP = 64
NUM_ROUNDS = 3
THEIRS, OURS_FP32, OURS = "transformers.pipeline, fp32", "ours, fp32", "ours, as served"

Answer = Callable[[Sequence[Post]], NDArray[np.float64]]
"""Gives probs ``(N,)`` of N posts."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How a contender's answers score, and how far they lie from the pipeline's."""

    score: Score
    """On test posts, at the member's threshold."""
    interval: Interval
    """Of its F1."""
    num_flipped: int
    """Labels that differ from the pipeline's."""
    greatest_shift: float
    """Greatest distance of a prob from the pipeline's."""


def measure(
    num_posts: int = NUM_POSTS, num_warm_up: int = NUM_WARM_UP, num_rounds: int = NUM_ROUNDS
) -> Section:
    """Let each answer the same posts in turn, then compare what they answer on test posts.

    Raises:
        BenchmarkError: the run is missing.
        BundleError: its bundle is missing or wrong.
    """
    config, run = finished_run(RUN)
    posts = read_run_posts(config)
    bundle = load_bundle(Path(run.root) / "bundle")
    contenders = build_contenders(bundle, choose_device())
    threshold = classifier_of(bundle).rule.member_thresholds[0]

    drawn = random.Random(0).sample([p.post for p in (*posts.test, *posts.pool)], num_posts)
    speeds = measure_speed(contenders, drawn, warm_up=drawn[:num_warm_up], num_rounds=num_rounds)
    rates = {name: each.wall for name, each in speeds.items()}
    ratios = {name: spread_of_ratio(each, rates[THEIRS]) for name, each in rates.items()}
    qualities = judge_answers(contenders, posts.test, threshold)
    ours, fp32 = qualities[OURS], qualities[OURS_FP32].interval
    return Section(
        title=f"Prediction speed: {num_posts} PsyTAR posts, {num_rounds} rounds in turn",
        headings=(
            "who",
            "posts/s",
            "x pipeline",
            "test F1 [95 %]",
            "labels that differ",
            "greatest shift of a prob",
        ),
        rows=tuple(
            (
                name,
                str(spread_of(each)),
                str(ratios[name]),
                _f1_cell(qualities[name]),
                str(qualities[name].num_flipped),
                f"{qualities[name].greatest_shift:.1e}",
            )
            for name, each in rates.items()
        ),
        notes=(
            "Median (least to greatest) over rounds; one member, the very same network in each. "
            f"The pipeline takes batches of {BATCH_POSTS} in the order given; normalising posts "
            "counts in both times, and ours holds the whole of `Pipeline.process`, reports "
            "included. Differences are from the pipeline's answers.",
        ),
        verdicts=(
            judge("prediction.speed", ratios[OURS].median),
            judge("prediction.f1", distance_from(ours.score.f1, fp32.low, fp32.high)),
        ),
        data={
            "num_posts": num_posts,
            "posts_per_s": {name: list(each) for name, each in rates.items()},
            "over_pipeline": {name: asdict(each) for name, each in ratios.items()},
            "quality": {name: asdict(each) for name, each in qualities.items()},
        },
    )


def classifier_of(bundle: Bundle) -> ClassifierPart:
    """The bundle's classifier."""
    (part,) = set(bundle.classifiers.values())  # the run is a classification
    return part


def build_contenders(bundle: Bundle, device: torch.device) -> dict[str, Answer]:
    """The bundle's first member in the pipeline, ours in fp32, and ours as it is served."""
    part = classifier_of(bundle)
    text, lang = part.config.text, part.config.data.train[0].lang
    classify = build_pipeline(
        part.networks[0][0],
        part.tokeniser,
        max_length=part.max_length,
        device=device,
    )

    def theirs(posts: Sequence[Post]) -> NDArray[np.float64]:
        return classify(
            [normalise(p.text, lang=p.lang or lang, emoji=text.emoji).text for p in posts]
        )

    return {
        THEIRS: theirs,
        OURS_FP32: _ours(bundle, "fp32", device),
        OURS: _ours(bundle, part.config.training.precision, device),
    }


def judge_answers(
    contenders: Mapping[str, Answer], posts: Sequence[AnnotatedPost], threshold: float
) -> dict[str, Quality]:
    """Score every contender's answers on labelled posts and set them beside the pipeline's."""
    gold = np.array(labels_of(posts), dtype=np.bool_)
    groups = [each.group for each in posts]
    probs = {name: answer([p.post for p in posts]) for name, answer in contenders.items()}
    qualities = {}
    for name, prob in probs.items():
        pred = prob >= threshold
        intervals = bootstrap_intervals(count_labels(gold, pred), groups=groups)
        qualities[name] = Quality(
            score=score_labels(gold, pred),
            interval=intervals.f1,
            num_flipped=int((pred != (probs[THEIRS] >= threshold)).sum()),
            greatest_shift=float(np.abs(prob - probs[THEIRS]).max()),
        )
    return qualities


def _ours(bundle: Bundle, precision: Precision, device: torch.device) -> Answer:
    """`Pipeline.process` with the first member alone."""
    part = classifier_of(bundle)
    threshold = part.rule.member_thresholds[0]
    training = part.config.training.model_copy(update={"precision": precision})
    lone = replace(
        part,
        config=part.config.model_copy(update={"training": training}),
        networks=((copy.deepcopy(part.networks[0][0]),),),
        rule=MeanProb((threshold,), threshold),
    )
    by_lang = dict.fromkeys(bundle.languages, lone)
    served = Pipeline(replace(bundle, classifiers=by_lang), device=device)

    def answer(posts: Sequence[Post]) -> NDArray[np.float64]:
        decisions = (report.ade for report in served.process(posts))
        return np.array([decision.prob for decision in decisions if decision is not None])

    return answer


def _f1_cell(quality: Quality) -> str:
    return with_interval(quality.score.f1, (quality.interval.low, quality.interval.high))
