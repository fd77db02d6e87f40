import json

import numpy as np
import pytest
import torch

from smm4h_core.errors import BundleError, ConfigError, DataError
from smm4h_core.extract.answers import TaggerAnswers, answer_posts, join_folds
from smm4h_core.extract.calibrate import Calibration
from smm4h_core.extract.crf import plain_chain
from smm4h_core.extract.decode import PostScores, ScoredSpan
from smm4h_core.extract.network import Tagger
from smm4h_core.extract.rule import (
    SpanMean,
    SpanVotes,
    combine_spans,
    fit_span_rule,
    span_rule_from_json,
    span_rule_to_json,
)
from smm4h_core.types import Span
from tests.unit.extract.conftest import POSTS

PLACES = [np.array([[0, 3], [4, 8], [9, 12]])]
RASH, BOTH = Span(0, 3), Span(0, 8)


def saying(*spans: tuple[Span, float], tags: list[list[float]] | None = None) -> TaggerAnswers:
    probs = np.array(tags if tags is not None else [[1.0, 0.0, 0.0]] * 3)
    scores = PostScores(np.log(np.maximum(probs, 1e-9)), plain_chain().rows())
    return TaggerAnswers([tuple(ScoredSpan(span, prob) for span, prob in spans)], [scores])


def test_votes_take_the_span_that_most_members_say() -> None:
    members = [saying((RASH, 0.9)), saying((RASH, 0.6)), saying((BOTH, 0.9))]
    ((found,),) = combine_spans(SpanVotes(3, 2), members, PLACES)
    assert (found.span, found.votes) == (RASH, 2)
    assert found.prob == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("num_members", "tie", "needed"),
    [(1, "positive", 1), (2, "positive", 1), (2, "negative", 2), (3, "positive", 2)],
)
def test_votes_needed_are_half_where_they_are_not_chosen(
    num_members: int, tie: str, needed: int
) -> None:
    members = [saying((RASH, 0.9))] * num_members
    rule = fit_span_rule("vote", members, PLACES, [frozenset({RASH})], tie=tie)
    assert rule.min_votes == needed


def test_votes_needed_are_chosen_by_the_score() -> None:
    members = [saying((RASH, 0.9)), saying(), saying()]

    def number_found(found) -> float:
        return float(sum(map(len, found)))

    gold = [frozenset({RASH})]
    few = fit_span_rule("vote", members, PLACES, gold, choose=number_found)
    many = fit_span_rule("vote", members, PLACES, gold, choose=lambda found: -number_found(found))
    assert (few.min_votes, many.min_votes) == (1, 2)  # of equal scores, the nearest to half


def test_mean_is_of_scores_and_counts_who_says_it() -> None:
    sure = [[0.1, 0.9, 0.0], [0.9, 0.05, 0.05], [0.9, 0.05, 0.05]]
    unsure = [[0.6, 0.4, 0.0], [0.9, 0.05, 0.05], [0.9, 0.05, 0.05]]
    members = [saying((RASH, 0.9), tags=sure), saying(tags=unsure)]
    ((found,),) = combine_spans(SpanMean(2), members, PLACES)
    assert (found.span, found.votes) == (RASH, 1)
    assert combine_spans(SpanMean(2, outside_bias=3.0), members, PLACES) == [()]


def test_bias_of_the_mean_is_chosen_and_none_is_needed_where_it_does_not_matter() -> None:
    tags = [[0.6, 0.4, 0.0], [0.9, 0.05, 0.05], [0.9, 0.05, 0.05]]
    members = [saying(tags=tags)]
    gold = [frozenset({RASH})]

    def right(found) -> float:
        return float([each.span for each in found[0]] == [RASH])

    chosen = fit_span_rule("mean", members, PLACES, gold, choose=right)
    assert chosen.outside_bias == -0.5
    assert fit_span_rule("mean", members, PLACES, gold, choose=lambda _: 1.0).outside_bias == 0


def test_probs_are_calibrated_on_what_was_right() -> None:
    answers = TaggerAnswers([(ScoredSpan(RASH, 0.9),)] * 40, None)
    gold = [frozenset({RASH} if number % 4 == 0 else set()) for number in range(40)]
    rule = fit_span_rule("vote", [answers], PLACES * 40, gold)
    found = combine_spans(rule, [answers], PLACES * 40)
    assert found[0][0].prob == pytest.approx(0.25, abs=0.02)


def test_rule_of_no_mentions_is_left_uncalibrated() -> None:
    rule = fit_span_rule("vote", [saying()], PLACES, [frozenset({RASH})])
    assert rule.calibration == Calibration()


@pytest.mark.parametrize(
    "rule", [SpanVotes(3, 2, Calibration(0.7, -0.3)), SpanMean(2, 0.5, Calibration(1.1, 0.2))]
)
def test_rule_survives_json_to_the_last_bit(rule) -> None:
    assert span_rule_from_json(json.loads(json.dumps(span_rule_to_json(rule)))) == rule


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "majority"}, "expected one of"),
        ({"kind": "vote", "num_members": 3}, "expected keys"),
        (
            {"kind": "vote", "num_members": 3, "min_votes": 4, "calibration": {}},
            "expected 1 to 3",
        ),
    ],
)
def test_rule_from_json_refuses_what_does_not_fit(data, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        span_rule_from_json(data)


def test_rules_refuse_numbers_that_do_not_fit() -> None:
    with pytest.raises(ConfigError, match="finite outside_bias"):
        SpanMean(1, float("nan"))
    with pytest.raises(DataError, match="expected 2 members"):
        combine_spans(SpanVotes(2, 1), [saying()], PLACES)


def test_join_folds_of_one_is_itself_and_of_equals_their_own(encode, tagger: Tagger) -> None:
    posts = encode(POSTS)
    places = [post.places() for post in posts]
    options = {"pad_id": 0, "dtype": torch.float32, "device": torch.device("cpu")}
    answers = answer_posts(tagger, posts, places, **options)
    assert join_folds([answers], places) is answers
    twice = join_folds([answers, answers], places)
    assert twice.spans == answers.spans
    for one, other in zip(answers.asked_scores(), twice.asked_scores(), strict=True):
        assert other.logits == pytest.approx(one.logits, abs=1e-9)


def test_mean_of_one_member_is_the_member_itself(encode, tagger: Tagger) -> None:
    # The mean of marginals, decoded anew, moved borders: strict F1 on PsyTAR's dev posts was 0.623
    # where the one tagger itself had 0.661.
    posts = encode(POSTS)
    places = [post.places() for post in posts]
    options = {"pad_id": 0, "dtype": torch.float32, "device": torch.device("cpu")}
    answers = answer_posts(tagger, posts, places, **options)
    assert any(answers.spans)
    joined = combine_spans(SpanMean(1), [answers], places)
    assert [[e.span for e in post] for post in joined] == [
        [e.span for e in post] for post in answers.spans
    ]
    assert [e.prob for post in joined for e in post] == pytest.approx(
        [e.prob for post in answers.spans for e in post]
    )
