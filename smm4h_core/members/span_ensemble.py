"""From stored answers of taggers to a rule and its scores; nothing is trained again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from smm4h_core.config import RunConfig
from smm4h_core.errors import DataError, TrainingError
from smm4h_core.evaluation.counts import CountRows, score_counts
from smm4h_core.evaluation.mentions import count_found, score_mentions
from smm4h_core.evaluation.significance import MemberSpread, spread_over_members
from smm4h_core.evaluation.spans import ByScorer
from smm4h_core.extract.answers import TaggerAnswers, join_folds
from smm4h_core.extract.build import build_matcher, extraction_of, load_run_terms
from smm4h_core.extract.dictionary import TermMatcher
from smm4h_core.extract.encode import WordPlaces
from smm4h_core.extract.mentions import quote_spans
from smm4h_core.extract.rule import (
    SpanRule,
    SpansByPost,
    combine_spans,
    fit_span_rule,
    span_rule_to_json,
)
from smm4h_core.members.comparison import ANSWERS, RESULT
from smm4h_core.members.data import RunPosts
from smm4h_core.members.ensemble import read_by_seed
from smm4h_core.members.predictions import SplitName
from smm4h_core.members.span_predictions import (
    GOLD,
    SpanPredictions,
    mention_cells,
    read_span_predictions,
)
from smm4h_core.storage import Storage
from smm4h_core.types import FoundMention, Lang, Mention

Found = list[tuple[FoundMention, ...]]
ANSWER_SCHEMA = pa.schema(
    {
        **{"split": pa.string(), "post_id": pa.string(), "group": pa.string()},
        **{"gold": GOLD, "mentions": GOLD},
        **{"probs": pa.list_(pa.float64()), "votes": pa.list_(pa.int64())},
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class GatheredSpans:
    """Members' answers on the posts of one split."""

    split: SplitName
    """Which split."""
    post_ids: tuple[str, ...]
    """``(N,)`` posts."""
    groups: tuple[str | None, ...]
    """``(N,)`` their groups."""
    gold: tuple[tuple[Mention, ...], ...]
    """``(N,)`` mentions."""
    places: list[WordPlaces]
    """``(N,)`` where their words stand."""
    members: tuple[TaggerAnswers, ...]
    """``(S,)``, one per seed: held-out answers of ``oof`` posts, folds joined on others."""


@dataclass(frozen=True, slots=True, eq=False)
class SpanEnsemble:
    """A fitted rule and what it answers on the run's own splits."""

    seeds: tuple[int, ...]
    """Seeds joined, in the rule's order."""
    rule: SpanRule
    """How they are joined."""
    answered: tuple[tuple[GatheredSpans, Found], ...]
    """The choosing split first, then the test split where there is one."""
    quoter: Quoter
    """Makes mentions of spans."""


@dataclass(frozen=True, slots=True, eq=False)
class Quoter:
    """What makes mentions of spans, in evaluation as in serving."""

    text_of: Mapping[str, str]
    """Texts by post, as received."""
    take_apart: bool
    """Whether coordinations are taken apart."""
    terms: TermMatcher | None
    """Effects by themselves."""

    def quote(self, post_ids: Sequence[str], found: SpansByPost, *, num_members: int) -> Found:
        """Each post's mentions."""
        return [
            quote_spans(
                spans,
                self.text_of[post_id],
                num_members=num_members,
                take_apart=self.take_apart,
                terms=self.terms,
            )
            for post_id, spans in zip(post_ids, found, strict=True)
        ]


def fit_span_ensemble(
    config: RunConfig, posts: RunPosts, run: Storage, seeds: Sequence[int]
) -> SpanEnsemble:
    """Join the members of ``seeds`` by the configured rule.

    Raises:
        TrainingError: if there is no seed to join.
        DataError: members that answered different posts.
    """
    if not seeds:
        raise TrainingError(f"{run.root}: no seed has all its members trained")
    folds = config.data.folds
    choosing = gather_spans(run, seeds, folds, posts.choosing_split)
    if choosing is None:
        raise DataError(f"{run.root}: members hold no predictions to choose on")
    test = gather_spans(run, seeds, folds, "test")
    extraction, chosen_on, num_members = extraction_of(config), choosing, len(seeds)
    quoter = Quoter(
        text_of={each.post.post_id: each.post.text for each in posts.all},
        take_apart=extraction.coordination,
        terms=build_matcher(load_run_terms(config)) if extraction.coordination else None,
    )

    def strict_and_relaxed_f1(found: SpansByPost) -> float:
        # Strict alone asks for more votes than relaxed can bear; readers want both.
        mentions = quoter.quote(chosen_on.post_ids, found, num_members=num_members)
        rows = count_found(chosen_on.post_ids, chosen_on.gold, mentions).one_to_one
        return score_counts(rows.strict).f1 + score_counts(rows.relaxed).f1

    ensemble = config.ensemble
    assert ensemble.rule in ("vote", "mean")  # the configuration was checked at its birth
    rule = fit_span_rule(
        "vote" if ensemble.rule == "vote" else "mean",
        choosing.members,
        choosing.places,
        [frozenset(mention.span for mention in mentions) for mentions in choosing.gold],
        tie=ensemble.tie,
        choose=strict_and_relaxed_f1 if ensemble.threshold == "chosen" else None,
    )
    answered = []
    for gathered in (choosing, test) if test else (choosing,):
        found = combine_spans(rule, gathered.members, gathered.places)
        answered.append((gathered, quoter.quote(gathered.post_ids, found, num_members=num_members)))
    return SpanEnsemble(tuple(seeds), rule, tuple(answered), quoter)


def gather_spans(
    run: Storage, seeds: Sequence[int], folds: int, split: SplitName
) -> GatheredSpans | None:
    """Members' stored answers on a split by seed; None where any member has none.

    Raises:
        DataError: members that answered different posts.
    """
    by_seed = read_by_seed(run, seeds, folds, split, read_span_predictions)
    if by_seed is None:
        return None
    joined = [_concatenate(row) if split == "oof" else _join(row) for row in by_seed]
    _refuse_other_posts(joined)
    first = joined[0]
    return GatheredSpans(
        split=split,
        post_ids=first.post_ids,
        groups=first.groups,
        gold=first.gold,
        places=first.places,
        members=tuple(each.answers for each in joined),
    )


def score_span_ensemble(
    ensemble: SpanEnsemble, lang_of: Mapping[str, Lang | None]
) -> dict[str, Any]:
    """Scores by split, scorer and strictness, with the members' mean and spread beside each.

    Args:
        ensemble: The rule and its answers.
        lang_of: Language by post; a split of several is scored by language too (``by_lang``).
    """
    return {
        "seeds": list(ensemble.seeds),
        "rule": span_rule_to_json(ensemble.rule),
        "splits": {
            gathered.split: {
                **_with_members(ensemble, gathered, found),
                "by_lang": _score_langs(gathered, found, lang_of),
            }
            for gathered, found in ensemble.answered
        },
    }


def write_span_ensemble(
    ensemble: SpanEnsemble, run: Storage, lang_of: Mapping[str, Lang | None]
) -> dict[str, Any]:
    """Write the answers (Parquet) and the scores (JSON) below the run; return the scores."""
    tables = [
        pa.table(
            {
                "split": [gathered.split] * len(gathered.post_ids),
                "post_id": list(gathered.post_ids),
                "group": list(gathered.groups),
                "gold": mention_cells(gathered.gold),
                "mentions": mention_cells([[each.mention for each in post] for post in found]),
                "probs": [[each.prob for each in post] for post in found],
                "votes": [[each.votes for each in post] for post in found],
            },
            schema=ANSWER_SCHEMA,
        )
        for gathered, found in ensemble.answered
    ]
    run.write(ANSWERS, lambda stream: pq.write_table(pa.concat_tables(tables), stream))
    result = score_span_ensemble(ensemble, lang_of)
    run.write_json(RESULT, result)
    return result


def _with_members(ensemble: SpanEnsemble, gathered: GatheredSpans, found: Found) -> dict[str, Any]:
    scored = score_mentions(
        gathered.post_ids, gathered.gold, found, groups=gathered.groups
    ).to_json()
    rows: list[ByScorer[CountRows]] = []
    for member in gathered.members:
        own = ensemble.quoter.quote(gathered.post_ids, member.spans, num_members=1)
        rows.append(count_found(gathered.post_ids, gathered.gold, own))

    def spread(scorer: str, match: str) -> MemberSpread:
        picked = (getattr(getattr(each, scorer), match) for each in rows)
        return spread_over_members([score_counts(each).f1 for each in picked])

    for scorer in ("official", "one_to_one"):
        for match in ("relaxed", "strict"):
            scored[scorer][match]["members"] = asdict(spread(scorer, match))
    return scored


def _score_langs(
    gathered: GatheredSpans, found: Found, lang_of: Mapping[str, Lang | None]
) -> dict[str, Any]:
    langs = [lang_of.get(post_id) or "" for post_id in gathered.post_ids]
    if len(set(langs)) < 2:
        return {}
    scores: dict[str, Any] = {}
    for lang in sorted(set(langs)):
        own = [index for index, each in enumerate(langs) if each == lang]
        scores[lang] = score_mentions(
            [gathered.post_ids[i] for i in own],
            [gathered.gold[i] for i in own],
            [found[i] for i in own],
            groups=[gathered.groups[i] for i in own],
        ).to_json()
    return scores


def _concatenate(held_out: Sequence[SpanPredictions]) -> SpanPredictions:
    """One seed's held-out folds, one below the other."""
    return SpanPredictions(
        split="oof",
        post_ids=tuple(i for each in held_out for i in each.post_ids),
        groups=tuple(g for each in held_out for g in each.groups),
        gold=tuple(g for each in held_out for g in each.gold),
        places=[p for each in held_out for p in each.places],
        answers=TaggerAnswers(
            [s for each in held_out for s in each.answers.spans],
            [p for each in held_out for p in each.answers.asked_scores()],
        ),
    )


def _join(folds: Sequence[SpanPredictions]) -> SpanPredictions:
    """One seed's folds on the same posts."""
    first = folds[0]
    _refuse_other_posts(folds)
    answers = join_folds([each.answers for each in folds], first.places)
    return SpanPredictions(
        first.split, first.post_ids, first.groups, first.gold, first.places, answers
    )


def _refuse_other_posts(answered: Sequence[SpanPredictions]) -> None:
    first = answered[0]
    for other in answered:
        if other.post_ids != first.post_ids or other.gold != first.gold:
            raise DataError("members answered different posts; were they trained on other data?")
