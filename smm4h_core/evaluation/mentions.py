"""Scores of mentions that carry a prob: all scorers, with intervals, and calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from smm4h_core.classify.probability import Prob
from smm4h_core.errors import DataError
from smm4h_core.evaluation.classification import expected_calibration_error
from smm4h_core.evaluation.counts import CountRows, Score, score_counts
from smm4h_core.evaluation.intervals import ScoreIntervals, bootstrap_intervals
from smm4h_core.evaluation.spans import ByScorer, ByStrictness, SpanTask, count_spans
from smm4h_core.types import FoundMention, Mention


@dataclass(frozen=True, slots=True)
class MentionScore:
    """How good mentions are by each scorer, and what their probs are worth."""

    score: ByScorer[Score]
    """By scorer and strictness."""
    ci95: ByScorer[ScoreIntervals]
    """Bootstrap intervals; posts of one group are drawn together."""
    ece: float | None
    """Expected calibration error of the probs, of being the very span; None of no mention."""

    def to_json(self) -> dict[str, Any]:
        """Return the numbers by scorer, strictness and name."""
        return {
            "n": self.score.official.strict.n,
            "official": _numbers(self.score.official, self.ci95.official),
            "one_to_one": _numbers(self.score.one_to_one, self.ci95.one_to_one),
            "ece": self.ece,
        }


def count_found(
    post_ids: Sequence[str],
    gold: Sequence[Sequence[Mention]],
    found: Sequence[Sequence[FoundMention]],
    *,
    task: SpanTask = "1b",
) -> ByScorer[CountRows]:
    """Rows ``(N, 3)`` by scorer, of posts in this order; in 1c concepts must be equal too.

    Raises:
        DataError: a post that stands twice.
    """
    if len(set(post_ids)) != len(post_ids):
        raise DataError("expected each post once, got one that stands twice")
    golds = dict(zip(post_ids, gold, strict=True))
    preds = {
        post_id: [each.mention for each in mentions]
        for post_id, mentions in zip(post_ids, found, strict=True)
    }
    return count_spans(golds, preds, task=task)


def score_mentions(
    post_ids: Sequence[str],
    gold: Sequence[Sequence[Mention]],
    found: Sequence[Sequence[FoundMention]],
    *,
    groups: Sequence[str | None],
    task: SpanTask = "1b",
) -> MentionScore:
    """Score the mentions found in ``(N,)`` posts; in 1c concepts must be equal too.

    Raises:
        DataError: no post, or one that stands twice.
    """
    rows = count_found(post_ids, gold, found, task=task)
    right = [
        (each.prob, any(each.mention.span == mention.span for mention in golds))
        for golds, mentions in zip(gold, found, strict=True)
        for each in mentions
    ]
    ece = None
    if right:
        prob, is_right = (np.array(column) for column in zip(*right, strict=True))
        ece = expected_calibration_error(is_right, Prob(prob))
    return MentionScore(
        score=rows.map(score_counts),
        ci95=rows.map(lambda each: bootstrap_intervals(each, groups=groups)),
        ece=ece,
    )


def _numbers(
    score: ByStrictness[Score], ci95: ByStrictness[ScoreIntervals]
) -> dict[str, dict[str, Any]]:
    return {
        "relaxed": {**score.relaxed.numbers(), "ci95": ci95.relaxed.to_json()},
        "strict": {**score.strict.numbers(), "ci95": ci95.strict.to_json()},
    }
