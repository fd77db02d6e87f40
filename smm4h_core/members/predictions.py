"""A member's answers, stored so that ensembles and thresholds are fitted without retraining."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from smm4h_core.classify.probability import Logit
from smm4h_core.errors import DataError
from smm4h_core.storage import Storage

SplitName = Literal["dev", "oof", "test"]
FILE = "predictions.parquet"
SCHEMA = pa.schema(
    [
        pa.field("split", pa.string(), nullable=False),
        pa.field("post_id", pa.string(), nullable=False),
        pa.field("group", pa.string()),
        pa.field("gold", pa.bool_(), nullable=False),
        pa.field("logit", pa.float64(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Answers of one member on one split."""

    split: SplitName
    """``dev``; ``oof``: the fold that the member held out; ``test``."""
    post_ids: tuple[str, ...]
    """``(N,)`` posts in the corpus's order."""
    groups: tuple[str | None, ...]
    """``(N,)`` author, review or article of each post."""
    gold: NDArray[np.bool_]
    """``(N,)`` labels."""
    logits: Logit
    """``(N,)`` before the sigmoid."""


def write_predictions(storage: Storage, splits: list[Predictions]) -> None:
    """Write a member's splits as one Parquet file."""
    tables = [
        pa.table(
            {
                "split": [each.split] * len(each.post_ids),
                "post_id": list(each.post_ids),
                "group": list(each.groups),
                "gold": each.gold,
                "logit": each.logits,
            },
            schema=SCHEMA,
        )
        for each in splits
    ]
    storage.write(FILE, lambda stream: pq.write_table(pa.concat_tables(tables), stream))


def read_predictions(storage: Storage) -> dict[SplitName, Predictions]:
    """Read a member's splits.

    Raises:
        DataError: if the file is missing or holds other columns.
    """
    with storage.read(FILE) as stream:
        table = pq.read_table(stream)
    if not table.schema.equals(SCHEMA):
        raise DataError(f"{storage.root}/{FILE}: expected {SCHEMA.names}, got {table.schema.names}")
    split_column = np.array(table["split"].to_pylist(), dtype=object)
    found: dict[SplitName, Predictions] = {}
    names: tuple[SplitName, ...] = ("dev", "oof", "test")
    for name in names:
        rows = table.filter(pa.array(split_column == name, type=pa.bool_()))
        if rows.num_rows:
            found[name] = Predictions(
                split=name,
                post_ids=tuple(rows["post_id"].to_pylist()),
                groups=tuple(rows["group"].to_pylist()),
                gold=rows["gold"].to_numpy(),
                logits=Logit(rows["logit"].to_numpy()),
            )
    return found
