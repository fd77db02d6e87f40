"""Scores of what a pipeline said, against gold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from smm4h_core.classify.probability import Prob, check_labels
from smm4h_core.errors import DataError
from smm4h_core.evaluation.classification import (
    average_precision,
    count_labels,
    expected_calibration_error,
)
from smm4h_core.evaluation.counts import Score, score_counts
from smm4h_core.evaluation.intervals import ScoreIntervals, bootstrap_intervals
from smm4h_core.evaluation.linking import LinkingScores, score_links
from smm4h_core.evaluation.mentions import MentionScore, score_mentions
from smm4h_core.evaluation.spans import SpanTask
from smm4h_core.link.gold import read_gold
from smm4h_core.link.part import LinkerPart
from smm4h_core.types import AnnotatedPost, Link, Mention, Modifier, Report


@dataclass(frozen=True, slots=True)
class ReportScore:
    """How good reports are, at the bundle's threshold and over all thresholds."""

    score: Score
    """At the bundle's threshold."""
    ci95: ScoreIntervals
    """Bootstrap intervals; posts of one group are drawn together."""
    average_precision: float | None
    """Of the prob that is served; None where no post is positive, which leaves it undefined."""
    ece: float
    """Expected calibration error of the prob that is served."""

    def to_json(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return {
            **self.score.numbers(),
            "n": self.score.n,
            "ci95": self.ci95.to_json(),
            "average_precision": self.average_precision,
            "ece": self.ece,
        }


def score_reports(gold: Sequence[AnnotatedPost], reports: Sequence[Report]) -> ReportScore:
    """Score the reports of ``(N,)`` posts, in the posts' order.

    The prob is the rule's own, as served: of a majority vote the share of votes.

    Raises:
        DataError: no post, a post without a label, or reports of other posts.
    """
    _refuse_other_posts(gold, reports)
    decisions = [report.ade for report in reports if report.ade is not None]
    if len(decisions) < len(reports):
        raise DataError("expected reports of a bundle with a classifier, got one without")
    if unlabelled := [each.post.post_id for each in gold if each.label is None]:
        raise DataError(f"post {unlabelled[0]!r}: expected a gold label, got none")
    labels = check_labels(np.array([each.label for each in gold], dtype=np.bool_), "gold")
    prob = Prob(np.array([decision.prob for decision in decisions]))
    rows = count_labels(labels, np.array([decision.is_ade for decision in decisions]))
    return ReportScore(
        score=score_counts(rows),
        ci95=bootstrap_intervals(rows, groups=[each.group for each in gold]),
        average_precision=average_precision(labels, prob) if labels.any() else None,
        ece=expected_calibration_error(labels, prob),
    )


def score_mention_reports(
    gold: Sequence[AnnotatedPost],
    reports: Sequence[Report],
    *,
    task: SpanTask = "1b",
    concept_of_code: Mapping[str, str] | None = None,
    without: Collection[Modifier] = (),
    counts: Callable[[str | None], bool] = lambda _: True,
) -> MentionScore:
    """Score the mentions in the reports of ``(N,)`` posts, in the posts' order.

    Args:
        gold: Posts with their mentions.
        reports: What was said of each.
        task: In 1c a mention is right only with its concept.
        concept_of_code: Of 1c, codes to concepts: a gold LLT then counts as its PT.
        without: Contexts whose mentions are left out, as if they had not been found.
        counts: Of 1c, whether a concept counts: mentions of others are left out on both sides.

    Raises:
        DataError: no post, reports of other posts, or of a bundle without an extractor.
    """
    _refuse_other_posts(gold, reports)
    found = [
        [
            each
            for each in report.mentions
            if not set(without) & set(each.context) and counts(each.mention.concept_id)
        ]
        for report in reports
        if report.mentions is not None
    ]
    if len(found) < len(reports):
        raise DataError("expected reports of a bundle with an extractor, got one without")
    known = concept_of_code or {}
    return score_mentions(
        [each.post.post_id for each in gold],
        [
            [m for m in _with_concepts(each.mentions, known) if counts(m.concept_id)]
            for each in gold
        ],
        found,
        groups=[each.group for each in gold],
        task=task,
    )


def score_gold_links(
    gold: Sequence[AnnotatedPost], linkers: Iterable[LinkerPart], *, device: torch.device
) -> LinkingScores:
    """Link the gold mentions themselves: what linkers alone are worth.

    Args:
        gold: Posts with their mentions, in languages that the linkers know.
        linkers: A bundle's; each links the posts of its languages.
        device: Where their networks are.

    Raises:
        DataError: no mention to link.
    """
    concept_ids: list[str | None] = []
    groups: list[str | None] = []
    links: list[Link] = []
    seen: set[str] = set()
    for part in dict.fromkeys(linkers):
        own = [each for each in gold if each.post.lang in part.config.languages]
        mentions = read_gold(own, part.linker.terminology)
        concept_ids += mentions.concept_ids
        groups += mentions.groups
        links += part.linker.link(mentions.texts, mentions.contexts, device=device)
        seen |= part.seen
    return score_links(concept_ids, links, seen=seen, groups=groups)


def _with_concepts(mentions: Sequence[Mention], known: Mapping[str, str]) -> list[Mention]:
    codes = [each.concept_id for each in mentions]
    return [
        replace(each, concept_id=code and known.get(code, code))
        for each, code in zip(mentions, codes, strict=True)
    ]


def _refuse_other_posts(gold: Sequence[AnnotatedPost], reports: Sequence[Report]) -> None:
    if [each.post.post_id for each in gold] != [report.post_id for report in reports]:
        raise DataError(f"expected reports of the {len(gold)} gold posts in their order, got other")
