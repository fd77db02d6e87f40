"""Scores of a submission file against a gold file or split folder; no model is involved."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np

from smm4h_core.corpora.scan import scan_labels
from smm4h_core.corpora.shapes import Task
from smm4h_core.corpora.smm4h import (
    FRAGMENTS_FILE,
    LABELS_FILE,
    POSTS_FILE,
    SPANS_FILES,
    read_annotated,
)
from smm4h_core.corpora.submission import read_predictions
from smm4h_core.errors import DataError
from smm4h_core.evaluation.classification import score_labels
from smm4h_core.evaluation.counts import Score
from smm4h_core.evaluation.spans import Mentions, SpanTask, score_spans


def score_submission(task: Task, gold: Path, pred: Path) -> dict[str, Any]:
    """Score a submission as the task does.

    Args:
        task: 1a and 2 score labels, 1b spans, 1c spans with concepts.
        gold: A file of the task, or a split folder (``class.tsv``, ``spans.tsv``,
            ``spans_norm.tsv``, and ``fragments.tsv``, whose mentions count as the stretch from
            their first part to their last, as no submission can hold parts).
        pred: A ``.tsv``, or a ``.zip`` that holds one.

    Returns:
        1a and 2: ``precision``, ``recall``, ``f1`` and ``n``, the posts scored. 1b and 1c: ``n``,
        and ``official`` and ``one_to_one``, each with ``relaxed`` and ``strict``, each with
        ``precision``, ``recall`` and ``f1``.

    Raises:
        DataError: a file that does not fit. In 1a and 2, posts that only one side has; in 1b and
            1c, predictions for posts that a gold folder does not list.
    """
    if task in SPANS_FILES:
        return _score_mentions(cast(SpanTask, task), gold, pred)
    gold_path = gold / LABELS_FILE if gold.is_dir() else gold
    gold_labels, pred_labels = _labels(gold_path, task), _labels(pred, task)
    _refuse_unknown(pred, pred_labels, gold_labels)
    if missing := [post_id for post_id in gold_labels if post_id not in pred_labels]:
        raise DataError(
            f"{pred}: expected a label of each of the {len(gold_labels)} gold posts, "
            f"{len(missing)} have none, first {missing[0]!r}"
        )
    score = score_labels(
        np.array(list(gold_labels.values()), dtype=np.bool_),
        np.array([pred_labels[post_id] for post_id in gold_labels], dtype=np.bool_),
    )
    return {**score.numbers(), "n": score.n}


def _score_mentions(task: SpanTask, gold: Path, pred: Path) -> dict[str, Any]:
    golds, listed = _gold_mentions(gold, task)
    preds = _mentions(pred, task)
    if listed is not None:
        _refuse_unknown(pred, preds, listed)
    posts = dict.fromkeys((*(listed or ()), *golds, *preds))
    scores = score_spans({post_id: golds.get(post_id, ()) for post_id in posts}, preds, task=task)
    return {**asdict(scores.map(Score.numbers)), "n": scores.official.strict.n}


def _labels(path: Path, task: Task) -> Mapping[str, bool]:
    return {answer.post_id: answer.label for answer in read_predictions(path, task)}


def _mentions(path: Path, task: Task) -> Mentions:
    return {answer.post_id: answer.mentions for answer in read_predictions(path, task)}


def _gold_mentions(gold: Path, task: SpanTask) -> tuple[Mentions, list[str] | None]:
    """Gold mentions, and every post of a split folder; None where nothing lists them."""
    if not gold.is_dir():
        return _mentions(gold, task), None
    if (gold / POSTS_FILE).is_file():
        posts = {each.post.post_id: each.mentions for each in read_annotated(gold, task)}
        return posts, list(posts)
    if (gold / FRAGMENTS_FILE).is_file():
        raise DataError(
            f"{gold}: expected {POSTS_FILE} beside {FRAGMENTS_FILE}, to hold mentions in parts "
            f"against, got none"
        )
    golds, labels_path = _mentions(gold / SPANS_FILES[task], task), gold / LABELS_FILE
    listed = list(scan_labels(labels_path)) if labels_path.is_file() else None
    if listed is not None:
        _refuse_unknown(gold / SPANS_FILES[task], golds, listed)
    return golds, listed


def _refuse_unknown(path: Path, answered: Collection[str], gold: Collection[str]) -> None:
    known = set(gold)
    if unknown := [post_id for post_id in answered if post_id not in known]:
        raise DataError(
            f"{path}: expected posts among the {len(known)} of gold, "
            f"{len(unknown)} are not, first {unknown[0]!r}"
        )
