import numpy as np

from benchmarks.tfidf import INVERSE_PENALTIES, Baseline, answer_posts, fit_and_answer
from smm4h_core.members.data import RunPosts
from smm4h_core.types import AnnotatedPost, Post

SAD = ["terrible headache today", "awful headache again", "a headache and nausea"]
GLAD = ["a sunny walk today", "lovely dinner again", "a walk and dinner"]


def annotated(prefix: str, num_posts: int) -> tuple[AnnotatedPost, ...]:
    return tuple(
        AnnotatedPost(
            Post(f"{prefix}{i}", (SAD if i % 2 else GLAD)[i % 3], "en"),
            label=bool(i % 2),
            group=f"{prefix}{i // 2}",
        )
        for i in range(num_posts)
    )


def separates(baseline: Baseline) -> bool:
    return baseline.answers["test"].scores["f1"] == 1.0


def test_fit_and_answer_gives_probs_by_penalty_and_text() -> None:
    gold = np.array([True] * 6 + [False] * 6)

    (probs,) = fit_and_answer(SAD * 2 + GLAD * 2, gold, (["headache", "dinner"],))

    assert probs.shape == (len(INVERSE_PENALTIES), 2)
    assert (probs[:, 0] > probs[:, 1]).all()
    # The weaker the penalty, the surer the answer.
    assert (np.diff(probs[:, 0]) > 0).all()


def test_answer_posts_chooses_on_dev_and_answers_dev_and_test() -> None:
    posts = RunPosts(annotated("a", 12), None, annotated("b", 6), annotated("c", 6))

    baseline = answer_posts(posts, emoji="map")

    assert list(baseline.answers) == ["dev", "test"]
    assert baseline.answers["test"].post_ids == ("c0", "c1", "c2", "c3", "c4", "c5")
    assert baseline.answers["test"].groups == ("c0", "c0", "c1", "c1", "c2", "c2")
    assert separates(baseline)
    assert answer_posts(posts, emoji="map").threshold == baseline.threshold


def test_answer_posts_holds_each_fold_out_of_its_own_training() -> None:
    pool = annotated("a", 12)
    # Two posts with the one word that gives them away, in one fold: nothing else can know it.
    secret = tuple(
        AnnotatedPost(Post(f"s{i}", "zyxwv qqq zyxwv", "en"), label=True) for i in range(2)
    )
    fold_of = np.array([0] * 6 + [1] * 6 + [1] * 2)

    baseline = answer_posts(RunPosts(pool + secret, fold_of, (), annotated("c", 6)), emoji="map")
    apart = np.array([0] * 6 + [1] * 6 + [0, 1])
    known = answer_posts(RunPosts(pool + secret, apart, (), annotated("c", 6)), emoji="map")

    assert list(baseline.answers) == ["oof", "test"]
    assert baseline.answers["oof"].gold.tolist() == [bool(i % 2) for i in range(12)] + [True] * 2
    assert known.answers["oof"].pred[-2:].all()
    assert separates(baseline)
