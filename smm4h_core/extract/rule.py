"""How taggers become one answer: votes on spans, or the mean of their scores.

A rule is fitted on dev or out-of-fold answers; it is nothing but numbers, kept as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeAlias, assert_never

import numpy as np

from smm4h_core.classify.ensemble import Tie
from smm4h_core.classify.probability import Prob
from smm4h_core.errors import ConfigError, DataError
from smm4h_core.extract.answers import TaggerAnswers
from smm4h_core.extract.calibrate import Calibration, fit_calibration
from smm4h_core.extract.decode import ScoredSpan, extract_scored, mean_scores
from smm4h_core.extract.encode import WordPlaces
from smm4h_core.extract.votes import choose_min_votes, vote_spans
from smm4h_core.stored_rules import read_rule
from smm4h_core.types import Span

Kind = Literal["vote", "mean"]
SpansByPost: TypeAlias = list[tuple[ScoredSpan, ...]]
SpanScorer: TypeAlias = Callable[[SpansByPost], float]
"""How good answers are on the posts that a rule is fitted on; larger is better."""

BIASES = tuple(float(bias) for bias in np.arange(-3.0, 3.01, 0.5))
"""What `SpanMean.outside_bias` is chosen from; finer steps move a handful of mentions."""


@dataclass(frozen=True, slots=True)
class SpanVotes:
    """A span that enough members say with the very same boundaries."""

    kind: Literal["vote"] = field(default="vote", init=False)
    """Tag in JSON."""
    num_members: int
    """Members joined, E."""
    min_votes: int
    """Members that must say it."""
    calibration: Calibration = field(default_factory=Calibration)
    """Of the span's prob."""

    def __post_init__(self) -> None:
        """Raise ConfigError where a number does not fit."""
        if not 1 <= self.min_votes <= self.num_members:
            raise ConfigError(f"min_votes: expected 1 to {self.num_members}, got {self.min_votes}")


@dataclass(frozen=True, slots=True)
class SpanMean:
    """What the mean of the members' scores says, `mean_scores`."""

    kind: Literal["mean"] = field(default="mean", init=False)
    """Tag in JSON."""
    num_members: int
    """Members joined, E."""
    outside_bias: float = 0.0
    """Added to the logits of ``O``: below zero more words are taken, above it fewer."""
    calibration: Calibration = field(default_factory=Calibration)
    """Of the span's prob."""

    def __post_init__(self) -> None:
        """Raise ConfigError where a number does not fit."""
        if not (self.num_members >= 1 and np.isfinite(self.outside_bias)):
            raise ConfigError(
                f"expected members and a finite outside_bias, got {self.num_members}, "
                f"{self.outside_bias}"
            )


SpanRule: TypeAlias = SpanVotes | SpanMean


def combine_spans(
    rule: SpanRule, members: Sequence[TaggerAnswers], places: Sequence[WordPlaces]
) -> SpansByPost:
    """Each post's mentions with calibrated probs and votes; none overlap.

    Args:
        rule: How.
        members: ``(E,)`` answers, in the order of members that the rule was fitted with.
        places: Where the posts' words stand.

    Raises:
        DataError: another number of members than the rule's, or members of other posts or words.
    """
    if len(members) != rule.num_members:
        raise DataError(f"expected {rule.num_members} members for this rule, got {len(members)}")
    match rule:
        case SpanVotes():
            joined = vote_spans([each.spans for each in members], min_votes=rule.min_votes)
        case SpanMean():
            scores = mean_scores([each.asked_scores() for each in members])
            found = extract_scored(places, scores, outside_bias=rule.outside_bias)
            joined = _count_votes(found, members)
        case _:
            assert_never(rule)
    return [rule.calibration.apply(spans) for spans in joined]


def fit_span_rule(
    kind: Kind,
    members: Sequence[TaggerAnswers],
    places: Sequence[WordPlaces],
    gold: Sequence[frozenset[Span]],
    *,
    tie: Tie = "positive",
    choose: SpanScorer | None = None,
) -> SpanRule:
    """Fit a rule on dev or out-of-fold answers.

    Args:
        kind: Which rule.
        members: ``(E,)`` answers on the same posts.
        places: Where their words stand.
        gold: Each post's gold spans, against which probs are calibrated.
        tie: What half of the votes mean, where their number is not chosen.
        choose: Scores answers to choose the votes needed, or the bias; None asks for half of the
            votes, and for no bias.
    """
    rule: SpanRule
    match kind:
        case "vote":
            if choose is None:
                half, odd = divmod(len(members), 2)
                needed = half if tie == "positive" and not odd else half + 1
            else:
                needed = choose_min_votes([each.spans for each in members], choose)
            rule = SpanVotes(len(members), needed)
        case "mean":
            rule = SpanMean(len(members))
            if choose is not None:
                tried = [replace(rule, outside_bias=bias) for bias in BIASES]
                scores = [choose(combine_spans(each, members, places)) for each in tried]
                # Of equals the least bias: dev data tell little apart.
                best = max(range(len(tried)), key=lambda i: (scores[i], -abs(BIASES[i]), i))
                rule = tried[best]
        case _:
            assert_never(kind)
    return replace(rule, calibration=_calibrate(combine_spans(rule, members, places), gold))


def _calibrate(found: SpansByPost, gold: Sequence[frozenset[Span]]) -> Calibration:
    said = [(each, spans) for post, spans in zip(found, gold, strict=True) for each in post]
    if not said:
        return Calibration()
    return fit_calibration(
        Prob(np.array([each.prob for each, _ in said])),
        np.array([each.span in spans for each, spans in said], dtype=np.bool_),
    )


def _count_votes(found: SpansByPost, members: Sequence[TaggerAnswers]) -> SpansByPost:
    counted: SpansByPost = []
    for index, spans in enumerate(found):
        said = [{each.span for each in member.spans[index]} for member in members]
        counted.append(
            tuple(replace(e, votes=sum(e.span in spans for spans in said)) for e in spans)
        )
    return counted


def span_rule_to_json(rule: SpanRule) -> dict[str, Any]:
    """Return the rule as an object of names and plain numbers."""
    return asdict(rule)


def span_rule_from_json(data: Mapping[str, Any]) -> SpanRule:
    """Read what `span_rule_to_json` wrote, to the last bit.

    Raises:
        BundleError: an unknown kind, a key missing or unknown, or a value that does not fit.
    """
    rules: dict[str, type[SpanRule]] = {"vote": SpanVotes, "mean": SpanMean}
    return read_rule(data, rules, what="span rule", parts={"calibration": Calibration})
