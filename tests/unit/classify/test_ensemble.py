import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from smm4h_core.classify.ensemble import (
    LogisticWeighing,
    MajorityVote,
    MeanProb,
    combine,
    fit_rule,
    rule_from_json,
    rule_to_json,
)
from smm4h_core.errors import BundleError, ConfigError, DataError
from smm4h_core.evaluation.thresholds import choose_threshold

RULES = (
    MajorityVote((0.5, 0.4, 0.6), "negative"),
    MeanProb((0.5, 0.5, 0.5), 1 / 3),
    LogisticWeighing((0.5, 0.5, 0.5), (0.1, 2.0, -1 / 3), -1.7, 0.41),
)


def member_probs(num_posts: int = 400, num_members: int = 4, seed: int = 0):
    """Members that know more or less of the gold label; the last one knows nothing."""
    rng = np.random.default_rng(seed)
    gold = rng.random(num_posts) < 0.3
    skill = np.linspace(2.0, 0.0, num_members)
    logits = skill * np.where(gold, 1, -1)[:, None] + rng.normal(size=(num_posts, num_members))
    return gold, 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize(("tie", "label"), [("positive", True), ("negative", False)])
def test_majority_vote_answers_a_tie_as_it_states(tie, label):
    five_to_five = np.array([[0.9] * 5 + [0.1] * 5])
    combined = combine(MajorityVote((0.5,) * 10, tie), five_to_five)
    assert combined.votes.tolist() == [5]
    assert combined.label.tolist() == [label]


@pytest.mark.parametrize("num_members", range(1, 12))
@pytest.mark.parametrize("tie", ["positive", "negative"])
def test_majority_vote_needs_more_than_half_but_for_the_tie(num_members, tie):
    probs = np.tril(np.ones((num_members + 1, num_members)), -1)  # row k: k votes
    combined = combine(MajorityVote((0.5,) * num_members, tie), probs)
    expected = [
        votes * 2 > num_members or (votes * 2 == num_members and tie == "positive")
        for votes in range(num_members + 1)
    ]
    assert combined.votes.tolist() == list(range(num_members + 1))
    assert combined.label.tolist() == expected


def test_majority_vote_prob_is_the_share_of_votes():
    probs = np.array([[0.51, 0.51, 0.01, 0.51]])
    assert combine(MajorityVote((0.5,) * 4), probs).prob.tolist() == [0.75]


def test_majority_vote_cuts_each_member_at_its_own_threshold():
    probs = np.array([[0.3, 0.3, 0.3]])
    assert combine(MajorityVote((0.2, 0.3, 0.4)), probs).votes.tolist() == [2]


def test_members_vote_on_probs_not_on_logits():
    """The paper's code cut logits at 0.5: a member at prob 0.6 (logit 0.41) voted no."""
    assert combine(MajorityVote((0.5,)), np.array([[0.6]])).label.tolist() == [True]


def test_mean_prob_is_the_mean_and_counts_votes_beside_it():
    combined = combine(MeanProb((0.5, 0.5, 0.5), 0.5), np.array([[0.9, 0.4, 0.4], [0.6, 0.6, 0.0]]))
    assert combined.prob == pytest.approx([1.7 / 3, 0.4])
    assert combined.label.tolist() == [True, False]
    assert combined.votes.tolist() == [1, 2]


def test_logistic_weighing_is_the_sigmoid_of_the_weighed_sum():
    rule = LogisticWeighing((0.5, 0.5), (2.0, -1.0), 0.5, 0.5)
    prob = combine(rule, np.array([[0.5, 0.25]])).prob
    assert prob == pytest.approx([1 / (1 + math.exp(-1.25))])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
@given(
    probs=arrays(np.float64, st.tuples(st.integers(1, 40), st.just(3)), elements=st.floats(0, 1))
)
def test_combine_label_says_whether_prob_reaches_the_threshold(rule, probs):
    combined = combine(rule, probs)
    assert (combined.label == (combined.prob >= rule.threshold)).all()
    assert ((combined.prob >= 0) & (combined.prob <= 1)).all()


@pytest.mark.parametrize("kind", ["majority", "mean", "logistic"])
def test_combine_answers_a_batch_of_one_exactly_as_a_batch_of_many(kind):
    gold, probs = member_probs(num_members=10)
    rule = fit_rule(kind, gold, probs)
    one_by_one = [combine(rule, row[None]).prob[0] for row in probs]
    assert combine(rule, probs).prob.tolist() == one_by_one
    assert combine(rule, np.asfortranarray(probs)).prob.tolist() == one_by_one


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
def test_combine_refuses_a_missing_member(rule):
    with pytest.raises(DataError, match=r"expected \(N, 3\) for this rule, got \(1, 2\)"):
        combine(rule, np.array([[0.5, 0.5]]))
    with pytest.raises(DataError, match=r"probs\[0, 2\] is nan"):
        combine(rule, np.array([[0.5, 0.5, np.nan]]))


def test_combine_refuses_logits():
    with pytest.raises(DataError, match="is it a logit"):
        combine(RULES[1], np.array([[0.5, -1.2, 3.0]]))


@pytest.mark.parametrize("kind", ["majority", "mean", "logistic"])
def test_fit_rule_fixes_every_threshold_at_half_without_a_chooser(kind):
    gold, probs = member_probs()
    rule = fit_rule(kind, gold, probs)
    assert rule.kind == kind
    assert rule.member_thresholds == (0.5,) * 4
    assert rule.threshold == 0.5


@pytest.mark.parametrize("kind", ["mean", "logistic"])
def test_fit_rule_chooses_the_threshold_of_greatest_f1(kind):
    gold, probs = member_probs()
    rule = fit_rule(kind, gold, probs, choose=choose_threshold)
    uncut = combine(replace(rule, threshold=0.5), probs).prob
    assert rule.threshold == choose_threshold(gold, uncut).value
    assert rule.member_thresholds == tuple(choose_threshold(gold, p).value for p in probs.T)


def test_fit_rule_chooses_the_vote_thresholds_and_keeps_the_tie_rule():
    gold, probs = member_probs()
    rule = fit_rule("majority", gold, probs, tie="negative", choose=choose_threshold)
    assert rule.tie == "negative"
    assert rule.member_thresholds == tuple(choose_threshold(gold, p).value for p in probs.T)


def test_fit_rule_logistic_agrees_with_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    gold, probs = member_probs()
    rule = fit_rule("logistic", gold, probs, inverse_penalty=0.3)
    expected = LogisticRegression(C=0.3, tol=1e-10, max_iter=1000).fit(probs, gold)
    assert combine(rule, probs).prob == pytest.approx(expected.predict_proba(probs)[:, 1], abs=1e-7)


def test_fit_rule_logistic_finds_the_weights_of_members_that_part_the_classes():
    gold = np.repeat([True, False], 40)
    probs = np.where(gold, 0.999, 0.001)[:, None]
    rule = fit_rule("logistic", gold, probs, inverse_penalty=1e6)
    assert np.array_equal(combine(rule, probs).label, gold)
    assert np.isfinite([*rule.coef, rule.intercept]).all()


def test_fit_rule_takes_thresholds_that_are_chosen_already():
    gold, probs = member_probs()
    cuts = tuple(choose_threshold(gold, p).value for p in probs.T)
    for kind in ("majority", "mean", "logistic"):
        assert fit_rule(
            kind, gold, probs, choose=choose_threshold, member_thresholds=cuts
        ) == fit_rule(kind, gold, probs, choose=choose_threshold)


def test_fit_rule_logistic_weighs_the_able_member_above_the_ignorant_one():
    gold, probs = member_probs()
    rule = fit_rule("logistic", gold, probs)
    assert rule.coef[0] > 5 * abs(rule.coef[-1])


def test_fit_rule_logistic_refuses_labels_of_one_class():
    with pytest.raises(DataError, match="expected both classes, got 2 labels False"):
        fit_rule("logistic", np.array([False, False]), np.array([[0.1], [0.2]]))


def test_fit_rule_refuses_labels_of_other_posts():
    with pytest.raises(DataError, match="gold: expected 2 labels, got 3"):
        fit_rule("mean", np.array([True, False, True]), np.array([[0.1], [0.2]]))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
def test_rule_survives_json_to_the_last_bit(rule):
    assert rule_from_json(json.loads(json.dumps(rule_to_json(rule)))) == rule


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "median"}, r"kind: expected one of \['logistic', 'majority', 'mean'\]"),
        ({"kind": "logistic"}, r"'logistic': expected keys .*'coef'"),
        ({"bias": 1.0}, "'mean': expected keys"),
        ({"threshold": 1.5}, r"'mean', threshold: expected finite numbers in \[0, 1\], got 1.5"),
        ({"threshold": "0.5"}, "threshold: expected finite numbers"),
        ({"threshold": True}, "threshold: expected finite numbers"),
        ({"member_thresholds": []}, "member_thresholds: expected one number per member"),
        ({"member_thresholds": 0.5}, "member_thresholds: expected one number per member"),
    ],
)
def test_rule_from_json_refuses_what_does_not_fit(change, message):
    data = json.loads(json.dumps(rule_to_json(RULES[1])))
    with pytest.raises(BundleError, match=message):
        rule_from_json(data | change)


def test_rules_refuse_numbers_that_do_not_fit():
    with pytest.raises(ConfigError, match="coef: expected 2 weights, got 1"):
        LogisticWeighing((0.5, 0.5), (1.0,), 0.0)
    with pytest.raises(ConfigError, match="intercept: expected finite numbers"):
        LogisticWeighing((0.5,), (1.0,), math.nan)
    with pytest.raises(ConfigError, match="tie: expected 'positive' or 'negative', got 'random'"):
        MajorityVote((0.5,), "random")
