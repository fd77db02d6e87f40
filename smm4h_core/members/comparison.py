"""Runs side by side: what each wrote below its folder, and whether one is better than another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from smm4h_core.classify.probability import BoolArray
from smm4h_core.errors import DataError
from smm4h_core.evaluation.classification import count_labels
from smm4h_core.evaluation.counts import CountRows
from smm4h_core.evaluation.linking import count_links
from smm4h_core.evaluation.significance import Comparison, compare_runs
from smm4h_core.evaluation.spans import count_spans
from smm4h_core.members.predictions import SplitName
from smm4h_core.members.span_predictions import read_mentions
from smm4h_core.storage import Storage

ANSWERS = "answers.parquet"
RESULT = "result.json"
CONFIG = "config.json"
_SAMPLE = "sample:"
_PRED = ("label", "mentions", "concept_id")
"""Columns that hold what a run answered: labels, spans or links."""


@dataclass(frozen=True, slots=True, eq=False)
class RunAnswers:
    """What a run's ensemble answered on one split, and how it scored there."""

    name: str
    """The run's name."""
    post_ids: tuple[str, ...]
    """``(N,)`` posts; of links, mentions: ``<post id>#<place>``, from 1."""
    groups: tuple[str | None, ...]
    """``(N,)`` author, review or article of each post."""
    gold: BoolArray
    """``(N,)`` labels; of spans, whether a post has any; of links, whether a concept is right."""
    pred: BoolArray
    """``(N,)`` what the ensemble says of that."""
    num_members: int
    """Seeds joined."""
    scores: Mapping[str, Any]
    """The split's scores as the run wrote them: numbers, ``ci95``, ``members``."""
    synthetic: bool
    """Whether any of its posts were generated: such scores say nothing about real text."""
    description: str = ""
    """The run's one line for tables."""
    measure: str = "F1"
    """What its scores are of: labels (``F1``), spans (``strict F1``, ``relaxed F1``), or links
    of gold mentions (``linked F1``)."""
    rows: CountRows | None = None
    """``(N, 3)`` counts of spans by post, or of links by mention; None of labels, which ``gold``
    and ``pred`` tell."""

    def counts(self, order: NDArray[np.int64] | None = None) -> CountRows:
        """Counts by post, as they stand or in another order."""
        rows = count_labels(self.gold, self.pred) if self.rows is None else self.rows
        return rows if order is None else rows[order]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Runs that answered the same posts."""

    baseline: RunAnswers
    """The run that the others are held against."""
    rows: tuple[tuple[RunAnswers, Comparison | None], ...]
    """Every run, the baseline among them, with its comparison; None for the baseline."""


def read_answers(run: Storage, split: SplitName) -> tuple[RunAnswers, ...]:
    """Read a finished run's answers and scores on a split, one item for each measure.

    Raises:
        DataError: the run is not finished, or did not answer that split.
    """
    result, config = run.read_json(RESULT), run.read_json(CONFIG)
    if split not in result["splits"]:
        raise DataError(
            f"{run.root}: expected answers on {split}, got {', '.join(result['splits'])} alone"
        )
    with run.read(ANSWERS) as stream:
        table = pq.read_table(stream)
    rows = table.filter(pc.equal(table["split"], split))
    uses = (config["data"].get(use, ()) for use in ("train", "extra", "dev", "test"))
    scores = result["splits"][split]
    if "linked" in scores:
        rows = _number_mentions(rows)
    spans = scores.get("one_to_one")
    labels = RunAnswers(
        name=config["name"],
        post_ids=tuple(rows["post_id"].to_pylist()),
        groups=tuple(rows["group"].to_pylist()),
        gold=_flags(rows, "gold"),
        pred=_flags(rows, next(each for each in _PRED if each in rows.column_names)),
        num_members=len(result["seeds"]),
        scores=scores,
        synthetic=any(ref["path"].startswith(_SAMPLE) for refs in uses for ref in refs),
        description=config.get("description", ""),
    )
    if "linked" in scores:
        linked = count_links(rows["gold"].to_pylist(), rows["concept_id"].to_pylist())
        return (replace(labels, measure="linked F1", scores=scores["linked"], rows=linked),)
    if spans is None:
        return (labels,)
    counts = count_spans(
        dict(zip(labels.post_ids, map(read_mentions, rows["gold"].to_pylist()), strict=True)),
        dict(zip(labels.post_ids, map(read_mentions, rows["mentions"].to_pylist()), strict=True)),
        task="1b",
    ).one_to_one
    return tuple(
        replace(labels, measure=f"{match} F1", scores=spans[match], rows=getattr(counts, match))
        for match in ("strict", "relaxed")
    )


def read_run(run: Storage, split: SplitName) -> RunAnswers:
    """`read_answers` of a run that classifies.

    Raises:
        DataError: as there, or the run finds or links spans.
    """
    labels, *_ = read_answers(run, split)
    if labels.rows is not None:
        raise DataError(
            f"{run.root}: expected a run that labels posts, got one that finds or links spans"
        )
    return labels


def _number_mentions(rows: pa.Table) -> pa.Table:
    """Links have a row a mention: each gets an id of its own, its place in its post."""
    met: Counter[str] = Counter()
    ids = []
    for post_id in rows["post_id"].to_pylist():
        met[post_id] += 1
        ids.append(f"{post_id}#{met[post_id]}")
    return rows.set_column(rows.column_names.index("post_id"), "post_id", pa.array(ids))


def _flags(rows: pa.Table, column: str) -> BoolArray:
    """Labels as they stand; of mentions and concepts, whether there are any."""
    if pa.types.is_boolean(rows[column].type):
        return np.asarray(rows[column].to_numpy(), dtype=np.bool_)
    return np.array([bool(cell) for cell in rows[column].to_pylist()], dtype=np.bool_)


def compare_in_blocks(
    runs: Sequence[RunAnswers], baseline: RunAnswers | None = None
) -> tuple[Block, ...]:
    """Compare runs, each with a baseline that answered the same posts.

    Args:
        runs: Any number, of one corpus or of several.
        baseline: The run to beat, which all must share their posts with. None takes, of the runs
            on the same posts, the one that is named first.

    Raises:
        DataError: runs that share some posts but not all, or hold other gold labels of them.
    """
    if baseline is not None:
        return (_block(baseline, runs),)
    blocks: list[list[RunAnswers]] = []
    for run in runs:
        for block in blocks:
            first = block[0]
            if first.measure == run.measure and not set(first.post_ids).isdisjoint(run.post_ids):
                block.append(run)
                break
        else:
            blocks.append([run])
    return tuple(_block(block[0], block) for block in blocks)


def _block(baseline: RunAnswers, runs: Sequence[RunAnswers]) -> Block:
    return Block(
        baseline,
        tuple((run, None if run is baseline else compare_answers(baseline, run)) for run in runs),
    )


def compare_answers(baseline: RunAnswers, contender: RunAnswers) -> Comparison:
    """Compare two runs by the posts that both answered, whatever order they are stored in.

    Raises:
        DataError: the runs answered other posts, or hold other gold labels of them.
    """
    names = f"{baseline.name} and {contender.name}"
    place_of = {post_id: place for place, post_id in enumerate(contender.post_ids)}
    if place_of.keys() != set(baseline.post_ids) or len(place_of) != len(baseline.post_ids):
        shared = len(place_of.keys() & set(baseline.post_ids))
        raise DataError(
            f"{names}: expected answers on the same posts, got {len(baseline.post_ids)} and "
            f"{len(contender.post_ids)}, of which {shared} are shared"
        )
    order = np.array([place_of[post_id] for post_id in baseline.post_ids])
    ours, theirs = baseline.counts(), contender.counts(order)
    golds = ours[:, 0] + ours[:, 2], theirs[:, 0] + theirs[:, 2]  # found and missed
    if differing := int((golds[0] != golds[1]).sum()):
        raise DataError(f"{names}: expected the same gold labels, {differing} post(s) differ")
    return compare_runs(ours, theirs, groups=baseline.groups)
