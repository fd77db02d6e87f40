"""A tagger's answers, stored so that ensembles and thresholds are fitted without retraining."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from smm4h_core.extract.answers import TaggerAnswers
from smm4h_core.extract.decode import PostScores, ScoredSpan
from smm4h_core.extract.encode import WordPlaces
from smm4h_core.extract.tags import NUM_TAGS
from smm4h_core.members.predictions import SplitName, read_splits, write_splits
from smm4h_core.storage import Storage
from smm4h_core.types import Mention, Span

SPANS = pa.list_(pa.struct({"start": pa.int64(), "end": pa.int64(), "prob": pa.float64()}))
GOLD = pa.list_(pa.list_(pa.struct({"start": pa.int64(), "end": pa.int64()})))
"""Mentions by their parts: one of a contiguous mention."""
SCHEMA = pa.schema(
    [
        pa.field("split", pa.string(), nullable=False),
        pa.field("post_id", pa.string(), nullable=False),
        pa.field("group", pa.string()),
        pa.field("gold", GOLD, nullable=False),
        pa.field("word_starts", pa.list_(pa.int64()), nullable=False),
        pa.field("word_ends", pa.list_(pa.int64()), nullable=False),
        # Row by row: O, B, I of the first word, then of the second.
        pa.field("logits", pa.list_(pa.float64()), nullable=False),
        # The same in all rows of a member: `smm4h_core.extract.crf.ChainRows`.
        pa.field("chain", pa.list_(pa.float64()), nullable=False),
        pa.field("spans", SPANS, nullable=False),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class SpanPredictions:
    """Answers of one member on one split."""

    split: SplitName
    """``dev``; ``oof``: the fold that the member held out; ``test``."""
    post_ids: tuple[str, ...]
    """``(N,)`` posts in the corpus's order."""
    groups: tuple[str | None, ...]
    """``(N,)`` author, review or article of each post."""
    gold: tuple[tuple[Mention, ...], ...]
    """``(N,)`` mentions; of those read from a file the quotations are blank."""
    places: list[WordPlaces]
    """``(N,)`` where each post's words stand."""
    answers: TaggerAnswers
    """What the member says."""


def write_span_predictions(storage: Storage, splits: Sequence[SpanPredictions]) -> None:
    """Write a member's splits."""
    tables = [
        pa.table(
            {
                "split": [each.split] * len(each.post_ids),
                "post_id": list(each.post_ids),
                "group": list(each.groups),
                "gold": mention_cells(each.gold),
                "word_starts": [places[:, 0] for places in each.places],
                "word_ends": [places[:, 1] for places in each.places],
                "logits": [scores.logits.ravel() for scores in each.answers.asked_scores()],
                "chain": [scores.chain.ravel() for scores in each.answers.asked_scores()],
                "spans": [
                    [{"start": s.span.start, "end": s.span.end, "prob": s.prob} for s in spans]
                    for spans in each.answers.spans
                ],
            },
            schema=SCHEMA,
        )
        for each in splits
    ]
    write_splits(storage, tables)


def read_span_predictions(storage: Storage) -> dict[SplitName, SpanPredictions]:
    """Read a member's splits.

    Raises:
        DataError: if the file is missing or holds other columns.
    """
    found: dict[SplitName, SpanPredictions] = {}
    for name, table in read_splits(storage, SCHEMA).items():
        rows = table.to_pylist()
        found[name] = SpanPredictions(
            split=name,
            post_ids=tuple(row["post_id"] for row in rows),
            groups=tuple(row["group"] for row in rows),
            gold=tuple(read_mentions(row["gold"]) for row in rows),
            places=[np.array([r["word_starts"], r["word_ends"]], np.int64).T for r in rows],
            answers=TaggerAnswers(
                spans=[tuple(map(_read_span, row["spans"])) for row in rows],
                scores=[
                    PostScores(
                        np.array(row["logits"], np.float64).reshape(-1, NUM_TAGS),
                        np.array(row["chain"], np.float64).reshape(-1, NUM_TAGS),
                    )
                    for row in rows
                ],
            ),
        )
    return found


def mention_cells(gold: Sequence[Sequence[Mention]]) -> list[list[list[dict[str, int]]]]:
    """Mentions as cells of `GOLD`: what scorers look at."""
    return [
        [[{"start": p.start, "end": p.end} for p in mention.parts] for mention in mentions]
        for mentions in gold
    ]


def read_mentions(cell: Sequence[Sequence[Mapping[str, int]]]) -> tuple[Mention, ...]:
    """Mentions of a cell, their quotations left blank."""
    return tuple(_read_mention(parts) for parts in cell)


def _read_mention(parts: Sequence[Mapping[str, int]]) -> Mention:
    spans = tuple(Span(part["start"], part["end"]) for part in parts)
    return Mention(Span(spans[0].start, spans[-1].end), "", fragments=spans)


def _read_span(cell: Mapping[str, Any]) -> ScoredSpan:
    return ScoredSpan(Span(cell["start"], cell["end"]), cell["prob"])
