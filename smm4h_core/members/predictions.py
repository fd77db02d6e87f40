"""A member's answers, stored so that ensembles and thresholds are fitted without retraining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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
    """Write a member's splits."""
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
    write_splits(storage, tables)


def write_splits(storage: Storage, tables: Sequence[pa.Table]) -> None:
    """Write a member's splits, which have a column ``split``, as one Parquet file."""
    storage.write(FILE, lambda stream: pq.write_table(pa.concat_tables(tables), stream))


def read_splits(storage: Storage, schema: pa.Schema) -> dict[SplitName, pa.Table]:
    """Read a member's splits; those without a row are left out.

    Raises:
        DataError: if the file is missing or holds other columns.
    """
    with storage.read(FILE) as stream:
        table = pq.read_table(stream)
    if not table.schema.equals(schema):
        raise DataError(f"{storage.root}/{FILE}: expected {schema.names}, got {table.schema.names}")
    by_split = {name: table.filter(pc.equal(table["split"], name)) for name in get_args(SplitName)}
    return {name: rows for name, rows in by_split.items() if rows.num_rows}


def read_predictions(storage: Storage) -> dict[SplitName, Predictions]:
    """Read a member's splits.

    Raises:
        DataError: if the file is missing or holds other columns.
    """
    return {
        name: Predictions(
            split=name,
            post_ids=tuple(rows["post_id"].to_pylist()),
            groups=tuple(rows["group"].to_pylist()),
            gold=rows["gold"].to_numpy(),
            logits=Logit(rows["logit"].to_numpy()),
        )
        for name, rows in read_splits(storage, SCHEMA).items()
    }
