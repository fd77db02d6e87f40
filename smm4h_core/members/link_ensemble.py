"""From stored proposals of linking members to a rule and its scores; nothing is trained again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from smm4h_core.config import RunConfig
from smm4h_core.errors import DataError, TrainingError
from smm4h_core.evaluation.counts import score_counts
from smm4h_core.evaluation.intervals import bootstrap_intervals
from smm4h_core.evaluation.linking import LinkingScores, count_links, links_of, score_links
from smm4h_core.evaluation.significance import spread_over_members
from smm4h_core.link.build import linking_of
from smm4h_core.link.candidates import NUM_PROPOSED
from smm4h_core.link.choose import fit_link_rule
from smm4h_core.link.combine import LinkRule, Proposals, combine_links, rule_to_json
from smm4h_core.link.gold import terms_to_find
from smm4h_core.link.join import MemberKind
from smm4h_core.link.lexical import LexicalLinker, build_lexical_linker
from smm4h_core.link.linker import Candidates, join_proposals
from smm4h_core.members.comparison import ANSWERS, RESULT
from smm4h_core.members.data import RunPosts
from smm4h_core.members.ensemble import read_by_seed
from smm4h_core.members.link_predictions import (
    CANDIDATES,
    LinkPredictions,
    candidate_cells,
    read_link_predictions,
)
from smm4h_core.members.linking import LinkData, read_link_data
from smm4h_core.members.predictions import SplitName
from smm4h_core.storage import Storage
from smm4h_core.types import Link

ANSWER_SCHEMA = pa.schema(
    {
        **{"split": pa.string(), "post_id": pa.string(), "group": pa.string()},
        **{"gold": pa.string(), "concept_id": pa.string()},
        **{"source": pa.string(), "score": pa.float64(), "candidates": CANDIDATES},
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class GatheredLinks:
    """What all parts propose for the gold mentions of one split."""

    split: SplitName
    """Which split."""
    mentions: LinkPredictions
    """Their posts and gold concepts."""
    members: dict[MemberKind, list[tuple[Candidates, ...]]]
    """``(S, M)`` by kind: each seed's."""
    proposals: list[Proposals]
    """``(M,)`` all members' joined."""


@dataclass(frozen=True, slots=True, eq=False)
class LinkEnsemble:
    """A fitted rule and what it answers on the run's own splits."""

    seeds: tuple[int, ...]
    """Seeds joined."""
    rule: LinkRule
    """How proposals become a link."""
    data: LinkData
    """Mentions and terminology."""
    answered: tuple[tuple[GatheredLinks, list[Link]], ...]
    """The choosing split first, then the test split where there is one."""


def _build_lexical(config: RunConfig, data: LinkData) -> LexicalLinker | None:
    """Finds what is spelt alike, over the bundle's terms; None where no rule reads it."""
    linking = linking_of(config)
    if config.ensemble.rule != "learned" or not linking.lexical:
        return None
    entries = None
    if linking.lexical_mentions:
        terms = terms_to_find(data.terminology, data.anchors)
        entries = [(each.concept_id, each.term) for each in terms]
    return build_lexical_linker(data.terminology, entries=entries)


def fit_link_ensemble(
    config: RunConfig, posts: RunPosts, run: Storage, seeds: Sequence[int]
) -> LinkEnsemble:
    """Join the members of ``seeds`` and fit the configured rule on the choosing mentions.

    Raises:
        TrainingError: if there is no seed to join.
        DataError: members that answered other mentions than the posts have.
    """
    if not seeds:
        raise TrainingError(f"{run.root}: no seed has all its members trained")
    data = read_link_data(config, posts)
    lexical = _build_lexical(config, data)
    gathered = []
    for split, gold in data.uses:
        members: dict[MemberKind, list[tuple[Candidates, ...]]] = {}
        for kind in config.parts:
            assert kind  # parts of linking are named
            found = _gather(run, seeds, split, kind)
            if any(each.gold != gold.concept_ids for each in found):
                raise DataError(
                    f"{run.root}: members answered other mentions of {split} than the posts have"
                )
            members[kind] = [each.candidates for each in found]
        alike = (
            lexical.link(gold.texts, num_candidates=NUM_PROPOSED)
            if lexical and len(gold)
            else [()] * len(gold)
        )
        proposals = [
            join_proposals(
                [own[place] for own in members["similarity"]],
                [own[place] for own in members.get("classifier", ())],
                alike[place],
            )
            for place in range(len(gold))
        ]
        mentions = LinkPredictions(split, gold.post_ids, gold.groups, gold.concept_ids, ())
        gathered.append(GatheredLinks(split, mentions, members, proposals))
    choosing = gathered[0]
    assert config.ensemble.rule in ("distance", "learned")  # checked at the configuration's birth
    rule = fit_link_rule(
        "distance" if config.ensemble.rule == "distance" else "learned",
        choosing.mentions.gold,
        choosing.proposals,
    )
    concepts = data.terminology.concepts
    answered = [(each, combine_links(rule, each.proposals, concepts)) for each in gathered]
    return LinkEnsemble(tuple(seeds), rule, data, tuple(answered))


def write_link_ensemble(ensemble: LinkEnsemble, run: Storage) -> dict[str, Any]:
    """Write the answers (Parquet) and the scores (JSON) below the run; return the scores."""
    tables = [
        pa.table(
            {
                "split": [gathered.split] * len(links),
                "post_id": list(gathered.mentions.post_ids),
                "group": list(gathered.mentions.groups),
                "gold": list(gathered.mentions.gold),
                "concept_id": [link.concept_id for link in links],
                "source": [link.source for link in links],
                "score": [link.score for link in links],
                "candidates": [candidate_cells(link.candidates) for link in links],
            },
            schema=ANSWER_SCHEMA,
        )
        for gathered, links in ensemble.answered
    ]
    run.write(ANSWERS, lambda stream: pq.write_table(pa.concat_tables(tables), stream))
    result = score_link_ensemble(ensemble)
    run.write_json(RESULT, result)
    return result


def score_link_ensemble(ensemble: LinkEnsemble) -> dict[str, Any]:
    """Accuracy by split: of the combination, and of each part by itself beside it.

    Of members' parts ``members`` says their own mean and spread.
    """
    seen = {each.concept_id for each in ensemble.data.anchors}
    splits: dict[str, Any] = {}
    for gathered, links in ensemble.answered:
        if not links:
            continue
        score = partial(
            score_links, gathered.mentions.gold, seen=seen, groups=gathered.mentions.groups
        )
        parts: dict[str, LinkingScores] = {"combined": score(links)}
        for part in ("similarity", "classifier", "lexical"):
            proposed = [getattr(each, part) for each in gathered.proposals]
            if any(proposed):
                parts[part] = score(links_of(proposed))
        spreads = {
            kind: asdict(spread_over_members([score(links_of(own)).all.acc_1 for own in members]))
            for kind, members in gathered.members.items()
        }
        splits[gathered.split] = {
            "n": len(links),
            "linking": {part: asdict(found) for part, found in parts.items()},
            "linked": _score_linked(ensemble, gathered, links),
            "members": spreads,
            "num_unknown": dict(ensemble.data.uses)[gathered.split].num_unknown,
        }
    return {
        "seeds": list(ensemble.seeds),
        "rule": rule_to_json(ensemble.rule),
        "splits": splits,
    }


def _score_linked(
    ensemble: LinkEnsemble, gathered: GatheredLinks, links: Sequence[Link]
) -> dict[str, Any]:
    """P, R and F1 as other tasks have them; a member is a seed's networks under the same rule."""
    gold = gathered.mentions.gold
    concepts = ensemble.data.terminology.concepts
    by_member = []
    for seed in range(len(ensemble.seeds)):
        own = {kind: members[seed] for kind, members in gathered.members.items()}
        proposals = [
            join_proposals(
                [own["similarity"][place]],
                [own["classifier"][place]] if "classifier" in own else [],
                joined.lexical,
            )
            for place, joined in enumerate(gathered.proposals)
        ]
        by_member.append(combine_links(ensemble.rule, proposals, concepts))
    rows, *member_rows = (
        count_links(gold, [link.concept_id for link in each]) for each in (links, *by_member)
    )
    return {
        **score_counts(rows).numbers(),
        "ci95": bootstrap_intervals(rows, groups=gathered.mentions.groups).to_json(),
        "members": asdict(spread_over_members([score_counts(each).f1 for each in member_rows])),
    }


def _gather(
    run: Storage, seeds: Sequence[int], split: SplitName, kind: MemberKind
) -> list[LinkPredictions]:
    read = partial(read_link_predictions, kind=kind)
    by_seed = read_by_seed(run, seeds, 1, split, read, kind)
    if by_seed is None:
        return []
    return [answers for (answers,) in by_seed]
