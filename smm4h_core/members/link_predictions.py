"""A linking member's answers, stored so that rules are fitted without retraining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from smm4h_core.link.join import MemberKind
from smm4h_core.link.linker import Candidates
from smm4h_core.members.predictions import SplitName, read_splits, write_splits
from smm4h_core.storage import Storage
from smm4h_core.types import Candidate

CANDIDATES = pa.list_(
    pa.struct({"concept_id": pa.string(), "term": pa.string(), "score": pa.float64()})
)
SCHEMA = pa.schema(
    [
        pa.field("split", pa.string(), nullable=False),
        pa.field("post_id", pa.string(), nullable=False),
        pa.field("group", pa.string()),
        pa.field("gold", pa.string()),
        pa.field("candidates", CANDIDATES, nullable=False),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class LinkPredictions:
    """What one member proposes for the gold mentions of one split, in the posts' order."""

    split: SplitName
    """``dev`` or ``test``."""
    post_ids: tuple[str, ...]
    """``(M,)`` posts of the mentions."""
    groups: tuple[str | None, ...]
    """``(M,)`` author, review or article of each post."""
    gold: tuple[str | None, ...]
    """``(M,)`` concepts; None where NIL is right."""
    candidates: tuple[Candidates, ...]
    """``(M,)`` concepts proposed, best first."""


def write_link_predictions(storage: Storage, splits: Sequence[LinkPredictions]) -> None:
    """Write a member's splits."""
    tables = [
        pa.table(
            {
                "split": [each.split] * len(each.post_ids),
                "post_id": list(each.post_ids),
                "group": list(each.groups),
                "gold": list(each.gold),
                "candidates": [candidate_cells(found) for found in each.candidates],
            },
            schema=SCHEMA,
        )
        for each in splits
    ]
    write_splits(storage, tables)


def read_link_predictions(storage: Storage, kind: MemberKind) -> dict[SplitName, LinkPredictions]:
    """Read a member's splits.

    Raises:
        DataError: if the file is missing or holds other columns.
    """
    found: dict[SplitName, LinkPredictions] = {}
    for name, table in read_splits(storage, SCHEMA).items():
        rows = table.to_pylist()
        found[name] = LinkPredictions(
            split=name,
            post_ids=tuple(row["post_id"] for row in rows),
            groups=tuple(row["group"] for row in rows),
            gold=tuple(row["gold"] for row in rows),
            candidates=tuple(
                tuple(
                    Candidate(cell["concept_id"], cell["term"], cell["score"], kind, rank)
                    for rank, cell in enumerate(row["candidates"], start=1)
                )
                for row in rows
            ),
        )
    return found


def candidate_cells(candidates: Sequence[Candidate]) -> list[dict[str, str | float]]:
    """Candidates as a cell of `CANDIDATES`, best first."""
    return [
        {"concept_id": each.concept_id, "term": each.term, "score": each.score}
        for each in candidates
    ]
