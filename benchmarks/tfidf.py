"""The baseline: TF-IDF of words and characters, logistic regression; same posts, same rules.

It reads the posts that the ensemble's members read, normalised alike, in the same folds. Its
penalty and threshold are chosen on the data that the ensemble's threshold is chosen on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

from smm4h_core.classify.probability import BoolArray, Prob
from smm4h_core.config import RunConfig
from smm4h_core.evaluation.classification import count_labels, score_labels
from smm4h_core.evaluation.intervals import bootstrap_intervals
from smm4h_core.evaluation.significance import spread_over_members
from smm4h_core.evaluation.thresholds import choose_threshold
from smm4h_core.members.comparison import RunAnswers
from smm4h_core.members.data import RunPosts, labels_of, read_run_posts
from smm4h_core.members.predictions import SplitName
from smm4h_core.text.emoji_words import EmojiMode
from smm4h_core.text.normalise import normalise
from smm4h_core.types import AnnotatedPost

INVERSE_PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0)
"""scikit-learn's ``C``; the best on the choosing data is taken."""
NAME = "TF-IDF"


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """The baseline's answers and what was chosen for it."""

    inverse_penalty: float
    """The chosen ``C``."""
    threshold: float
    """The chosen cut on prob."""
    answers: dict[SplitName, RunAnswers]
    """On the choosing split (``dev`` or ``oof``) and on ``test``."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Normalised texts with their labels."""

    posts: tuple[AnnotatedPost, ...]
    """As read."""
    texts: list[str]
    """``(N,)`` what encoders and baseline read."""
    gold: BoolArray
    """``(N,)`` labels."""


def answer_with_tfidf(config: RunConfig) -> Baseline:
    """Train the baseline on a run's posts and let it answer as the run's ensemble does.

    With folds, each post of the pool is answered by the model that did not see it, and test posts
    by the mean over the folds' models.

    Raises:
        DataError: posts that do not fit.
    """
    posts = read_run_posts(config)
    return answer_posts(posts, emoji=config.text.emoji)


def answer_posts(posts: RunPosts, *, emoji: EmojiMode) -> Baseline:
    """As `answer_with_tfidf`, of posts already read."""
    pool, test = _labelled(posts.pool, emoji), _labelled(posts.test, emoji)
    split: SplitName
    if posts.fold_of is None:
        split, choosing = "dev", _labelled(posts.dev, emoji)
        choosing_probs, test_probs = fit_and_answer(
            pool.texts, pool.gold, (choosing.texts, test.texts)
        )
    else:
        split, choosing = "oof", pool
        choosing_probs, test_probs = _answer_folds(pool, test, posts.fold_of)
    cuts = [choose_threshold(choosing.gold, Prob(probs)) for probs in choosing_probs]
    best = int(np.argmax([cut.score.f1 for cut in cuts]))
    cut = cuts[best].value
    return Baseline(
        inverse_penalty=INVERSE_PENALTIES[best],
        threshold=cut,
        answers={
            split: _as_run(choosing, choosing_probs[best] >= cut),
            "test": _as_run(test, test_probs[best] >= cut),
        },
    )


def fit_and_answer(
    texts: Sequence[str], gold: BoolArray, asked: Sequence[Sequence[str]]
) -> list[NDArray[np.float64]]:
    """Train one model a penalty; return probs ``(P, N)`` of each list of ``N`` texts asked."""
    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2),
    )
    learnt = features.fit_transform(texts)
    described = [features.transform(each) for each in asked]
    models = [
        LogisticRegression(
            C=penalty, class_weight="balanced", solver="liblinear", random_state=0
        ).fit(learnt, gold)
        for penalty in INVERSE_PENALTIES
    ]
    return [np.stack([model.predict_proba(each)[:, 1] for model in models]) for each in described]


def _answer_folds(
    pool: Labelled, test: Labelled, fold_of: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Held-out probs ``(P, N)`` of the pool, and the folds' mean ``(P, N)`` of the test posts."""
    held_out = np.empty((len(INVERSE_PENALTIES), len(pool.texts)))
    test_by_fold = []
    for fold in np.unique(fold_of):
        out = fold_of == fold
        inside, outside = np.flatnonzero(~out), np.flatnonzero(out)
        held_out[:, outside], answered = fit_and_answer(
            [pool.texts[i] for i in inside],
            pool.gold[inside],
            ([pool.texts[i] for i in outside], test.texts),
        )
        test_by_fold.append(answered)
    return held_out, np.mean(test_by_fold, axis=0)


def _labelled(posts: tuple[AnnotatedPost, ...], emoji: EmojiMode) -> Labelled:
    texts = [
        normalise(each.post.text, lang=each.post.lang or "en", emoji=emoji).text for each in posts
    ]
    return Labelled(posts, texts, np.array(labels_of(posts), dtype=np.bool_))


def _as_run(labelled: Labelled, pred: BoolArray) -> RunAnswers:
    groups = tuple(each.group for each in labelled.posts)
    score = score_labels(labelled.gold, pred)
    intervals = bootstrap_intervals(count_labels(labelled.gold, pred), groups=groups)
    scores: dict[str, Any] = {
        **asdict(score),
        "ci95": intervals.to_json(),
        "members": asdict(spread_over_members([score.f1])),
    }
    return RunAnswers(
        name=NAME,
        post_ids=tuple(each.post.post_id for each in labelled.posts),
        groups=groups,
        gold=labelled.gold,
        pred=pred,
        num_members=1,
        scores=scores,
        synthetic=False,
    )
