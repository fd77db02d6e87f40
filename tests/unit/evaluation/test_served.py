import pytest

from smm4h_core.errors import DataError
from smm4h_core.evaluation.served import score_mention_reports, score_reports
from smm4h_core.types import (
    AdeDecision,
    AnnotatedPost,
    FoundMention,
    Mention,
    Post,
    Report,
    Span,
)


def gold_of(*labels: bool | None) -> list[AnnotatedPost]:
    return [AnnotatedPost(Post(str(n), "text"), label) for n, label in enumerate(labels)]


def reports_of(*probs: float) -> list[Report]:
    return [
        Report(str(n), "en", AdeDecision(prob, prob >= 0.5, 1, 1), (), "b@1")
        for n, prob in enumerate(probs)
    ]


def test_score_reports_scores_a_hand_computed_case() -> None:
    scored = score_reports(gold_of(True, True, False, False), reports_of(0.9, 0.2, 0.6, 0.1))

    assert scored.score.numbers() == {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    # The positives stand first and third by prob: (1/1 + 2/3) / 2.
    assert scored.average_precision == pytest.approx(5 / 6)
    assert scored.ece == pytest.approx((0.1 + 0.8 + 0.6 + 0.1) / 4)
    answered = scored.to_json()
    assert list(answered) == [
        "precision",
        "recall",
        "f1",
        "n",
        "ci95",
        "average_precision",
        "ece",
    ]
    assert answered["n"] == 4
    assert answered["ci95"]["f1"][0] <= 0.5 <= answered["ci95"]["f1"][1]


def test_score_reports_leaves_average_precision_undefined_without_positives() -> None:
    scored = score_reports(gold_of(False, False), reports_of(0.9, 0.2))

    assert scored.average_precision is None
    assert scored.score.f1 == 0


def test_score_reports_refuses_other_posts_missing_labels_and_nothing() -> None:
    with pytest.raises(DataError, match="reports of the 2 gold posts"):
        score_reports(gold_of(True, False), reports_of(0.9))
    with pytest.raises(DataError, match="post '1': expected a gold label"):
        score_reports(gold_of(True, None), reports_of(0.9, 0.1))
    with pytest.raises(DataError, match="non-empty"):
        score_reports([], [])


def test_mentions_of_some_concepts_may_count_alone() -> None:
    def mention(start: int, concept_id: str | None) -> Mention:
        return Mention(Span(start, start + 4), "pain", concept_id=concept_id)

    gold = [
        AnnotatedPost(Post("1", "x" * 40, "en"), True, (mention(0, "LLT1"), mention(10, "C2"))),
        AnnotatedPost(Post("2", "x" * 40, "en"), True, (mention(0, "C9"),)),
    ]
    found = [
        tuple(FoundMention(mention(start, concept), 0.9, 1, 1) for start, concept in each)
        for each in ([(0, "C1"), (10, "C1")], [(0, None)])
    ]
    reports = [
        Report(each.post.post_id, "en", None, (), "b@1", mentions)
        for each, mentions in zip(gold, found, strict=True)
    ]
    seen = {"C1", "C2"}

    def score(counts=lambda _: True) -> tuple[float, float]:
        scored = score_mention_reports(
            gold, reports, task="1c", concept_of_code={"LLT1": "C1"}, counts=counts
        ).score.one_to_one.strict
        return scored.precision, scored.recall

    assert score() == (1 / 3, 1 / 3)
    assert score(lambda concept_id: concept_id in seen) == (0.5, 0.5)
    assert score(lambda concept_id: concept_id not in seen) == (0.0, 0.0)
