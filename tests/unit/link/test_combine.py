import json

import pytest

from smm4h_core.errors import BundleError, ConfigError, DataError
from smm4h_core.link.candidates import rank_scored
from smm4h_core.link.choose import choose_distance, fit_link_rule
from smm4h_core.link.combine import (
    DistanceRule,
    LearnedRule,
    LinkRule,
    Proposals,
    combine_links,
    explain,
    rule_from_json,
    rule_to_json,
)
from smm4h_core.link.features import FEATURES, pair_features
from smm4h_core.types import Candidate, Concept, Link

CONCEPTS = {c: Concept(c, f"name of {c}") for c in "ABCD"}


def propose(
    near: list[tuple[str, float]], sure: list[tuple[str, float]] | None = None
) -> Proposals:
    """Concepts with their distance, and with their prob."""
    return Proposals(
        rank_scored(((c, c.lower(), -d) for c, d in near), "similarity"),
        rank_scored(((c, c.lower(), p) for c, p in sure or []), "classifier"),
    )


def link(rule: LinkRule, proposals: Proposals) -> Link:
    return combine_links(rule, [proposals], CONCEPTS)[0]


def test_distance_rule_trusts_similarity_below_its_cut_and_the_classifier_above() -> None:
    rule = DistanceRule(1.0)
    below, above = propose([("A", 0.9)], [("B", 0.4)]), propose([("A", 1.0)], [("B", 0.4)])
    answers = [link(rule, below), link(rule, above)]
    assert [(each.concept_id, each.source) for each in answers] == [
        ("A", "similarity"),
        ("B", "classifier"),
    ]
    assert answers[0].name == "name of A"
    assert explain(rule, below, answers[0]).startswith("A: distance below 1.000")
    assert explain(rule, above, answers[1]).startswith("B: by the classifier")


def test_distance_rule_answers_nil_when_neither_is_sure() -> None:
    rule = DistanceRule(1.0, nil_distance=2.0, nil_prob=0.5)
    unsure = propose([("A", 2.5)], [("B", 0.4)])
    answer = link(rule, unsure)
    assert (answer.concept_id, answer.name, answer.source) == (None, None, "nil")
    assert [each.concept_id for each in answer.candidates] == ["A", "B"]
    assert explain(rule, unsure, answer).startswith("NIL: distance not below 1.000")
    assert link(rule, propose([("A", 1.5)], [("B", 0.4)])).concept_id == "A"
    assert link(rule, propose([("A", 2.5)], [("B", 0.5)])).concept_id == "B"


@pytest.mark.parametrize("rule", [DistanceRule(1.0), LearnedRule((0.0,) * len(FEATURES), 0.0)])
def test_rules_answer_nil_where_nothing_was_proposed(rule: LinkRule) -> None:
    answer = link(rule, Proposals(()))
    assert answer == Link(None, None, "nil", 0.0, ())
    assert explain(rule, Proposals(()), answer) == "NIL: nothing was proposed"


def test_choose_distance_takes_the_cut_that_makes_most_right() -> None:
    gold = ["A", "A", "B", "B"]
    proposals = [propose([("A", d)], [("B", 0.9)]) for d in (0.1, 0.3, 0.5, 0.7)]
    rule = choose_distance(gold, proposals)
    assert rule.threshold == pytest.approx(0.4)
    answers = combine_links(rule, proposals, CONCEPTS)
    assert [each.concept_id for each in answers] == gold


@pytest.mark.parametrize(("gold", "expected"), [("A", ["A", "A"]), ("B", ["B", "B"])])
def test_choose_distance_can_trust_one_model_always(gold: str, expected: list[str]) -> None:
    proposals = [propose([("A", d)], [("B", 0.9)]) for d in (0.1, 0.3)]
    rule = choose_distance([gold, gold], proposals)
    assert [each.concept_id for each in combine_links(rule, proposals, CONCEPTS)] == expected


def test_choose_distance_puts_equal_distances_on_one_side() -> None:
    proposals = [propose([("A", 0.5)], [("B", 0.9)]) for _ in range(3)]
    rule = choose_distance(["A", "B", "B"], proposals)
    assert len({each.concept_id for each in combine_links(rule, proposals, CONCEPTS)}) == 1


def test_choose_distance_learns_when_to_answer_nil() -> None:
    gold = ["A", "B", None, None]
    proposals = [
        propose([("A", 0.1)], [("B", 0.2)]),
        propose([("A", 0.6)], [("B", 0.9)]),
        propose([("A", 0.7)], [("B", 0.3)]),
        propose([("A", 0.9)], [("B", 0.1)]),
    ]
    rule = choose_distance(gold, proposals)
    assert [each.concept_id for each in combine_links(rule, proposals, CONCEPTS)] == gold


def test_choose_distance_works_without_a_classifier() -> None:
    gold = ["A", "A", None]
    proposals = [propose([("A", d)]) for d in (0.1, 0.4, 0.9)]
    rule = choose_distance(gold, proposals)
    assert [each.concept_id for each in combine_links(rule, proposals, CONCEPTS)] == gold


def learnable() -> tuple[list[str | None], list[Proposals]]:
    """Agreement is right; where the models differ the surer one is."""
    gold: list[str | None] = []
    proposals = []
    for n in range(30):
        near = 0.1 + 0.01 * n
        gold += ["A", "C", "B"]
        proposals += [
            propose([("A", near), ("B", near + 0.3)], [("A", 0.9), ("C", 0.05)]),
            propose([("B", 0.9 + near), ("C", 0.95 + near)], [("C", 0.95), ("B", 0.02)]),
            propose([("B", near), ("C", near + 0.5)], [("D", 0.3), ("B", 0.29)]),
        ]
    return gold, proposals


def test_learned_rule_learns_whom_to_believe() -> None:
    gold, proposals = learnable()
    rule = fit_link_rule("learned", gold, proposals)
    links = combine_links(rule, proposals, CONCEPTS)
    assert [each.concept_id for each in links] == gold
    assert all(0.5 < each.score <= 1 for each in links)
    assert links[0].candidates[0].found_by[0].source == "similarity"
    said = explain(rule, proposals[0], links[0])
    assert said.startswith("A: learned prob")
    assert "; proposed by similarity ('" in said and "and classifier ('" in said


def test_explain_names_the_spelling_where_it_alone_proposed_the_answer() -> None:
    rule = fit_link_rule("learned", *learnable())
    alike = Candidate("C", "term of C", 0.9, "ngram", 1)
    proposals = Proposals((), (), (alike,))
    (link,) = combine_links(rule, [proposals], CONCEPTS)
    said = explain(rule, proposals, link)
    assert said.startswith("C: learned prob")
    assert said.endswith(
        "proposed by ngram ('term of C', rank 1) (neither model proposes a concept)"
    )


def test_learned_rule_answers_nil_where_development_had_no_concept() -> None:
    gold, proposals = learnable()
    gold += [None] * 30
    proposals += [propose([("D", 3.0 + 0.01 * n)], [("A", 0.05)]) for n in range(30)]
    rule = fit_link_rule("learned", gold, proposals)
    answers = [each.concept_id for each in combine_links(rule, proposals, CONCEPTS)]
    assert answers == gold


def test_fit_link_rule_refuses_what_it_cannot_learn_from() -> None:
    with pytest.raises(DataError, match="gold: expected 1 mentions, at least 1; got 0"):
        fit_link_rule("distance", [], [Proposals(())])
    with pytest.raises(DataError, match="expected right and wrong concepts, got 1 right of 1"):
        fit_link_rule("learned", ["A"], [propose([("A", 0.1)])])


@pytest.mark.parametrize("kind", ["distance", "learned"])
def test_link_rule_survives_json_to_the_last_bit(kind) -> None:
    rule = fit_link_rule(kind, *learnable())
    assert rule_from_json(json.loads(json.dumps(rule_to_json(rule)))) == rule


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "magic"}, "kind: expected one of"),
        ({"more": 1}, "expected keys"),
        ({"threshold": float("nan")}, "threshold: expected a finite number"),
        ({"nil_prob": 1.5}, "nil_prob: expected a finite number in"),
    ],
)
def test_rule_from_json_refuses_what_does_not_fit(change, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        rule_from_json({**rule_to_json(DistanceRule(1.0)), **change})


def test_learned_rule_wants_a_weight_for_each_feature() -> None:
    with pytest.raises(ConfigError, match=f"coef: expected {len(FEATURES)} weights, got 1"):
        LearnedRule((1.0,), 0.0)


def test_pair_features_say_margins_ranks_and_agreement() -> None:
    both = propose([("A", 0.0), ("B", 1.0)], [("A", 0.7), ("C", 0.2)])
    words = rank_scored([("B", "b", 1.0)], "exact")
    rows = {
        concept_id: dict(zip(FEATURES, features, strict=True))
        for concept_id, features in pair_features(both.similarity, both.classifier, words).items()
    }
    assert list(rows) == ["A", "B", "C"]
    assert rows["A"]["similarity_nearness"] == 1.0
    assert rows["A"]["similarity_margin"] == rows["B"]["similarity_margin"] * -1 == 0.5
    assert rows["A"]["agreement"] == 1.0
    assert (rows["B"]["same_words"], rows["A"]["same_words"]) == (1.0, 0.0)
    assert rows["C"]["similarity_nearness"] == rows["C"]["similarity_rank"] == 0.0
    assert rows["C"]["classifier_margin"] == pytest.approx(-0.5)
