"""How similarity and classifier become one link, or NIL; and which of them decided.

Method, section 5 (iii). A rule is nothing but numbers, so a bundle keeps it as JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from operator import mul
from typing import Any, Literal, TypeAlias

from smm4h_core.errors import ConfigError
from smm4h_core.link.candidates import merge_by_rank
from smm4h_core.link.features import NUM_FEATURES, pair_features
from smm4h_core.stored_rules import read_rule
from smm4h_core.types import Candidate, Concept, Link

RuleKind = Literal["distance", "learned"]


@dataclass(frozen=True, slots=True)
class Proposals:
    """What both models propose for one mention, best first; nothing for an empty one."""

    similarity: tuple[Candidate, ...]
    """By `TermIndex.link`: the score is ``-distance``."""
    classifier: tuple[Candidate, ...] = ()
    """By `read_answers`: the score is a prob; empty where there is no classifier."""
    lexical: tuple[Candidate, ...] = ()
    """By `LexicalLinker.link`; read by the learned rule alone, where they are given."""


@dataclass(frozen=True, slots=True)
class DistanceRule:
    """The paper's: similarity's concept where its distance is below a cut, else the classifier's.

    The paper does not publish the cut; it is chosen on development data.
    """

    kind: Literal["distance"] = field(default="distance", init=False)
    """Tag in JSON."""
    threshold: float
    """Cut on the Euclidean distance, not squared; at or above it the classifier answers."""
    nil_distance: float | None = None
    """NIL where the distance reaches this and the classifier is not sure; None is never by it."""
    nil_prob: float = 0.0
    """The classifier is not sure below this prob; 0 trusts it always."""

    def __post_init__(self) -> None:
        _check_number("threshold", self.threshold, low=0)
        _check_number("nil_prob", self.nil_prob, low=0, high=1)
        if self.nil_distance is not None:
            _check_number("nil_distance", self.nil_distance, low=0)


@dataclass(frozen=True, slots=True)
class LearnedRule:
    """Logistic regression over a candidate's scores in all lists and their agreement."""

    kind: Literal["learned"] = field(default="learned", init=False)
    """Tag in JSON."""
    coef: tuple[float, ...]
    """A weight for each of `smm4h_core.link.features.FEATURES`."""
    intercept: float
    """Added to the weighed sum, before the sigmoid."""
    threshold: float = 0.0
    """NIL where the best candidate's prob is below it."""

    def __post_init__(self) -> None:
        if len(self.coef) != NUM_FEATURES:
            raise ConfigError(f"coef: expected {NUM_FEATURES} weights, got {len(self.coef)}")
        for weight in (*self.coef, self.intercept):
            _check_number("coef, intercept", weight)
        _check_number("threshold", self.threshold, low=0, high=1)


LinkRule: TypeAlias = DistanceRule | LearnedRule


def combine_links(
    rule: LinkRule,
    proposals: Sequence[Proposals],
    concepts: Mapping[str, Concept],
    *,
    num_candidates: int = 10,
) -> list[Link]:
    """One link a mention.

    Args:
        rule: How to decide.
        proposals: What was proposed for each mention.
        concepts: The terminology's, for names.
        num_candidates: Most candidates that a link keeps.
    """
    return [_combine(rule, each, concepts, num_candidates) for each in proposals]


def explain(rule: LinkRule, proposals: Proposals, link: Link) -> str:
    """One sentence: which part decided, by which numbers."""
    near = proposals.similarity[0] if proposals.similarity else None
    sure = proposals.classifier[0] if proposals.classifier else None
    if near is None and sure is None and not proposals.lexical:
        return "NIL: nothing was proposed"
    said = []
    if near is not None:
        said.append(f"similarity: {near.concept_id} by {near.term!r} at distance {-near.score:.3f}")
    if sure is not None:
        said.append(f"classifier: {sure.concept_id} at prob {sure.score:.3f}")
    facts = "; ".join(said) or "neither model proposes a concept"
    if isinstance(rule, LearnedRule):
        sense = "at or above" if link.concept_id is not None else "below"
        answer = link.concept_id or f"NIL, before {link.candidates[0].concept_id}"
        by = " and ".join(
            f"{each.source} ({each.term!r}, rank {each.rank})"
            for each in link.candidates[0].found_by
        )
        return (
            f"{answer}: learned prob {link.score:.3f} is {sense} {rule.threshold:.3f}; proposed by "
            f"{by} ({facts})"
        )
    cut = f"{rule.threshold:.3f}"
    if link.concept_id is None:
        return f"NIL: distance not below {cut} and no concept sure enough ({facts})"
    if link.source == "similarity" and near is not None and -near.score < rule.threshold:
        return f"{link.concept_id}: distance below {cut} ({facts})"
    return f"{link.concept_id}: by the {link.source}, distance not below {cut} ({facts})"


def learned_candidates(
    rule: LearnedRule, proposals: Proposals, *, num_candidates: int
) -> tuple[Candidate, ...]:
    """The surest concepts; the score is a concept's prob of being right. Ties stand by concept."""
    lists = proposals.similarity, proposals.classifier, proposals.lexical
    ordered = sorted(
        (-rule.intercept - sum(map(mul, rule.coef, features)), concept_id)
        for concept_id, features in pair_features(*lists).items()
    )
    found: dict[str, list[Candidate]] = {
        concept_id: [] for _, concept_id in ordered[:num_candidates]
    }
    for each in (each for proposed in lists for each in proposed):
        if each.concept_id in found:
            found[each.concept_id].append(each)
    return tuple(
        Candidate(concept_id, own[0].term, _sigmoid(-negated), "learned", rank, tuple(own))
        for rank, ((negated, concept_id), own) in enumerate(
            zip(ordered, found.values(), strict=False), start=1
        )
    )


def rule_to_json(rule: LinkRule) -> dict[str, Any]:
    """Return the rule as an object of names and plain numbers."""
    return asdict(rule)


def rule_from_json(data: Mapping[str, Any]) -> LinkRule:
    """Read what `rule_to_json` wrote, to the last bit.

    Raises:
        BundleError: an unknown kind, a key missing or unknown, or a value that does not fit.
    """
    rules: dict[str, type[LinkRule]] = {"distance": DistanceRule, "learned": LearnedRule}
    return read_rule(data, rules, what="link rule")


def _combine(
    rule: LinkRule, proposals: Proposals, concepts: Mapping[str, Concept], num_candidates: int
) -> Link:
    if isinstance(rule, LearnedRule):
        kept = learned_candidates(rule, proposals, num_candidates=num_candidates)
        if not kept or kept[0].score < rule.threshold:
            return Link(None, None, "nil", kept[0].score if kept else 0.0, kept)
        best = kept[0]
        return Link(best.concept_id, concepts[best.concept_id].name, "learned", best.score, kept)
    candidates = merge_by_rank(
        [proposals.similarity, proposals.classifier], num_candidates=num_candidates
    )
    chosen = _by_distance(rule, proposals)
    if chosen is None:
        return Link(None, None, "nil", 0.0, candidates)
    name = concepts[chosen.concept_id].name
    return Link(chosen.concept_id, name, chosen.source, chosen.score, candidates)


def _by_distance(rule: DistanceRule, proposals: Proposals) -> Candidate | None:
    near = proposals.similarity[0] if proposals.similarity else None
    sure = proposals.classifier[0] if proposals.classifier else None
    if near is not None and -near.score < rule.threshold:
        return near
    if sure is not None and sure.score >= rule.nil_prob:
        return sure
    is_near = near is not None and (rule.nil_distance is None or -near.score < rule.nil_distance)
    return near if is_near else None


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, logit))))


def _check_number(
    name: str, value: float, *, low: float = -math.inf, high: float = math.inf
) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and math.isfinite(value) and low <= value <= high):
        raise ConfigError(f"{name}: expected a finite number in [{low}, {high}], got {value!r}")
