"""A report as others take it: an object of JSON, or the columns that a table gains."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from smm4h_core.corpora.shapes import format_label
from smm4h_core.types import Candidate, FoundMention, Link, Pair, Report

ANSWER_COLUMNS = ("ade_prob", "ade_label", "ade_votes", "drugs", "mentions", "bundle")
"""What `report_to_cells` gives: prob, ADE or NoADE, members for ADE; the distinct ingredients
named, in order of appearance and joined by ``"; "``; the ADEs mentioned, as `report_to_json` has
them; and ``name@version``. What the bundle has no part for is None."""

PAIR_COLUMNS = (
    *("drug", "drug_start", "drug_end", "drug_score"),
    *("effect", "effect_start", "effect_end", "effect_prob", "context"),
    *("concept_id", "concept_name", "ade_prob", "ade_label", "bundle"),
)
"""What `pairs_to_cells` gives: the ingredient and where the naming of it that tells stands, and how
sure that the effect is said of it; the effect's words, place and prob; its context joined by
``"; "``, blank where it is none; and its concept. What there is none of is None: a drug, a concept
(NIL, or no linker), a classifier."""

RowKind: TypeAlias = Literal["posts", "pairs"]
"""What a row of an answered table is: a post, or a drug and an effect that is said of it."""


def report_to_json(report: Report) -> dict[str, Any]:
    """Return the report as an object of plain values.

    ``votes`` is members for the answer, and of all. ``ade`` and ``mentions`` are None where the
    bundle has no part for them.
    """
    ade = report.ade
    return {
        "post_id": report.post_id,
        "lang": report.lang,
        "ade": ade
        and {
            "prob": ade.prob,
            "label": format_label(ade.is_ade, "1a"),
            "votes": [ade.votes, ade.num_members],
        },
        "drugs": [
            {
                "start": drug.span.start,
                "end": drug.span.end,
                "text": drug.text,
                "name": drug.name,
                "smiles": drug.smiles,
            }
            for drug in report.drugs
        ],
        "mentions": _mentions_to_json(report),
        "bundle": report.bundle,
    }


def report_to_cells(report: Report) -> dict[str, Any]:
    """Return the report as cells of `ANSWER_COLUMNS`."""
    ade = report.ade
    decision = (ade.prob, format_label(ade.is_ade, "1a"), ade.votes) if ade else (None,) * 3
    drugs = "; ".join(dict.fromkeys(drug.name for drug in report.drugs))
    values = *decision, drugs, _mentions_to_json(report), report.bundle
    return dict(zip(ANSWER_COLUMNS, values, strict=True))


def pairs_to_cells(report: Report) -> list[dict[str, Any]]:
    """Return a row of `PAIR_COLUMNS` for each of the report's pairs; none for a post without."""
    return [_pair_to_cells(report, pair) for pair in report.pairs()]


def _pair_to_cells(report: Report, pair: Pair) -> dict[str, Any]:
    ade, found, tie = report.ade, pair.mention, pair.drug
    effect, link = found.mention, found.link
    values = (
        *(
            (tie.drug.name, tie.drug.span.start, tie.drug.span.end, tie.score)
            if tie
            else (None,) * 4
        ),
        *(effect.text, effect.span.start, effect.span.end, found.prob, "; ".join(found.context)),
        *((link.concept_id, link.name) if link else (None, None)),
        *((ade.prob, format_label(ade.is_ade, "1a")) if ade else (None, None)),
        report.bundle,
    )
    return dict(zip(PAIR_COLUMNS, values, strict=True))


def _mentions_to_json(report: Report) -> list[dict[str, Any]] | None:
    return None if report.mentions is None else [_mention_to_json(m) for m in report.mentions]


def _mention_to_json(found: FoundMention) -> dict[str, Any]:
    mention = found.mention
    return {
        "start": mention.span.start,
        "end": mention.span.end,
        "text": mention.text,
        "type": mention.type,
        "fragments": [[part.start, part.end] for part in mention.fragments],
        "prob": found.prob,
        "votes": [found.votes, found.num_members],
        "context": list(found.context),
        "drugs": [
            {
                "start": tie.drug.span.start,
                "end": tie.drug.span.end,
                "name": tie.drug.name,
                "score": tie.score,
            }
            for tie in found.drugs
        ],
        "link": found.link and link_to_json(found.link),
    }


def _source_to_json(candidate: Candidate) -> dict[str, Any]:
    return {
        "term": candidate.term,
        "source": candidate.source,
        "rank": candidate.rank,
        "score": candidate.score,
    }


def link_to_json(link: Link) -> dict[str, Any]:
    """Return a link as an object of plain values; ``concept_id`` is None for NIL."""
    return {
        "concept_id": link.concept_id,
        "name": link.name,
        "source": link.source,
        "score": link.score,
        "candidates": [
            {
                "concept_id": each.concept_id,
                **_source_to_json(each),
                "found_by": list(map(_source_to_json, each.found_by)),
            }
            for each in link.candidates
        ],
    }
