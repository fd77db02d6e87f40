"""Linkers beside what they must beat, gold mentions: ``python -m benchmarks --only linking``.

The baselines know what the linkers know: the same terminology, once by its own terms and once with
the training mentions as further terms. The ensembles are finished runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.linking_baselines import BASELINES, Baseline, encode_untuned
from benchmarks.reach import TARGETS, Verdict, judge
from benchmarks.runs import config_path, finished_run
from benchmarks.section import BenchmarkError, Section, with_interval
from smm4h_core.config import RunConfig, read_config
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.errors import Smm4hError
from smm4h_core.evaluation.counts import CountRows
from smm4h_core.evaluation.linking import LinkingScores, links_of, score_links
from smm4h_core.evaluation.significance import compare_runs
from smm4h_core.link.candidates import rank_scored
from smm4h_core.link.gold import GoldMentions
from smm4h_core.link.similarity import RememberedVectors
from smm4h_core.link.terminology import Terminology, add_terms, mention_terms
from smm4h_core.members.comparison import ANSWERS, RESULT
from smm4h_core.members.data import read_run_posts
from smm4h_core.members.linking import LinkData, read_link_data
from smm4h_core.storage import Storage
from smm4h_core.types import Candidate, Link

CORPORA = MappingProxyType({"psytar_link": "PsyTAR", "rudrec_link": "RuDReC"})
"""Run names and what their corpora are called."""
HEADINGS = (
    *("corpus", "who", "acc@1 [95 %]", "acc@5", "MRR", "seen", "unseen"),
    *("over best baseline [95 %]", "p"),
)
NOTES = (
    "Gold mentions of the test posts; seen, unseen: acc@1 on concepts that training mentions name "
    "and on others. Intervals: bootstrap by review. Over best baseline: acc@1 less that of the "
    "best baseline, with a paired permutation test. Members: mean ± standard deviation over seeds.",
)


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """Someone's links of a corpus's test mentions."""

    name: str
    """Who."""
    scores: LinkingScores
    """How good they are."""
    right: CountRows
    """``(M, 3)`` (tp, fp, fn) of each mention: F1 over them is acc@1."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A corpus with all who linked it."""

    run: str
    """The name of the corpus's run."""
    gold: GoldMentions
    """The mentions linked."""
    baselines: Sequence[Contender]
    """What training has no part in, but for its mentions as terms."""
    ours: Contender | None
    """The run's answers; None where it is not finished."""
    result: Mapping[str, Any]
    """The run's scores of its parts; empty where it is not finished."""
    missing: Sequence[str]
    """What could not be measured."""

    @property
    def best(self) -> Contender:
        """The best baseline."""
        return max(self.baselines, key=lambda each: each.scores.all.acc_1)


def measure() -> Section:
    """Link every corpus by each baseline and set the finished runs beside them."""
    corpora, missing = [], []
    for name in CORPORA:
        try:
            corpora.append(measure_corpus(read_config(config_path(name))))
        except Smm4hError as error:
            missing.append(f"{name}: {error}")
    return Section(
        title="Linking of gold mentions, test posts",
        headings=HEADINGS,
        rows=tuple(row for each in corpora for row in _rows(each)),
        data={each.run: _describe(each) for each in corpora},
        notes=(*NOTES, *(_count(each) for each in corpora)),
        missing=(*missing, *(line for each in corpora for line in each.missing)),
        verdicts=tuple(verdict for each in corpora for verdict in _judge(each)),
    )


def measure_corpus(config: RunConfig, baselines: Mapping[str, Baseline] = BASELINES) -> Measured:
    """Link one corpus's test mentions in every way.

    Raises:
        DataError: the corpus or the terminology is not there, or not as its format has it.
    """
    data = read_link_data(config, read_run_posts(config))
    gold = data.test
    if gold is None:
        raise BenchmarkError(f"{config.name}: expected test posts with mentions, got none")
    encode = RememberedVectors(partial(encode_untuned, load_text_encoder(config.encoder.uri)))
    found, missing = [], []
    for name, baseline in baselines.items():
        for suffix, terminology in _contents(data).items():
            try:
                links = links_of(baseline(terminology, gold.texts, encode))
            except Smm4hError as error:
                missing.append(f"{name}: {error}")
                break
            found.append(_score(f"{name}{suffix}", gold, links, data))
    ours, result = None, {}
    try:
        run = finished_run(config.name)[1]
        ours = _score("ours, combined", gold, _read_links(run, gold), data)
        result = run.read_json(RESULT)["splits"]["test"]
    except BenchmarkError as error:
        missing.append(str(error))
    return Measured(config.name, gold, found, ours, result, missing)


def _contents(data: LinkData) -> dict[str, Terminology]:
    usage = mention_terms((each.text, each.concept_id) for each in data.anchors)
    fed = add_terms(data.terminology, usage)
    return {"": data.terminology, ", training mentions as terms": fed}


def _score(name: str, gold: GoldMentions, links: Sequence[Link], data: LinkData) -> Contender:
    seen = {each.concept_id for each in data.anchors}
    scores = score_links(gold.concept_ids, links, seen=seen, groups=gold.groups)
    hits = np.array(
        [link.concept_id == wanted for link, wanted in zip(links, gold.concept_ids, strict=True)]
    )
    return Contender(name, scores, np.stack([hits, ~hits, ~hits], axis=1).astype(np.int64))


def _read_links(run: Storage, gold: GoldMentions) -> list[Link]:
    with run.read(ANSWERS) as stream:
        table = pq.read_table(stream)
    rows = table.filter(pc.equal(table["split"], "test")).to_pylist()
    if [row["gold"] for row in rows] != list(gold.concept_ids):
        raise BenchmarkError(f"{run.root}: its test mentions are others than the corpus now has")
    return [
        Link(row["concept_id"], None, row["source"], row["score"], _candidates(row)) for row in rows
    ]


def _candidates(row: Mapping[str, Any]) -> tuple[Candidate, ...]:
    cells = row["candidates"]
    return rank_scored(
        ((cell["concept_id"], cell["term"], cell["score"]) for cell in cells), row["source"]
    )


def _rows(measured: Measured) -> list[tuple[str, ...]]:
    corpus = CORPORA.get(measured.run, measured.run)
    rows = [(corpus, each.name, *_cells(each.scores), "", "") for each in measured.baselines]
    if measured.ours is None:
        return rows
    for part, scores in measured.result["linking"].items():
        if part != "combined":
            members = measured.result["members"].get(part)
            who = f"ours, {part} alone"
            if members and members["sd"] is not None:
                who += f" (members {members['mean']:.3f} ± {members['sd']:.3f})"
            rows.append((corpus, who, *_stored_cells(scores), "", ""))
    against = compare_runs(measured.best.right, measured.ours.right, groups=measured.gold.groups)
    low, high = against.interval.low, against.interval.high
    difference = f"{against.difference:+.3f} [{low:+.3f}, {high:+.3f}]"
    rows.append(
        (
            *(corpus, measured.ours.name, *_cells(measured.ours.scores)),
            *(difference, f"{against.permutation_p:.4f}"),
        )
    )
    return rows


def _cells(scores: LinkingScores) -> tuple[str, ...]:
    return _stored_cells(asdict(scores))


def _stored_cells(scores: Mapping[str, Any]) -> tuple[str, ...]:
    every, interval = scores["all"], scores["all"]["acc_1_interval"]
    return (
        with_interval(every["acc_1"], (interval["low"], interval["high"])),
        f"{every['acc_5']:.3f}",
        f"{every['mrr']:.3f}",
        *(f"{scores[each]['acc_1']:.3f}" for each in ("seen", "unseen")),
    )


def _count(measured: Measured) -> str:
    scores = measured.best.scores
    return (
        f"{CORPORA.get(measured.run, measured.run)}: {len(measured.gold)} mentions, "
        f"{scores.seen.n} of seen concepts, {scores.unseen.n} of others; "
        f"of {measured.gold.num_unknown} the terminology lacks the concept."
    )


def _judge(measured: Measured) -> list[Verdict]:
    if measured.ours is None:
        return []
    scores = measured.ours.scores
    values = {
        "acc_1": scores.all.acc_1,
        "acc_5": scores.all.acc_5,
        "unseen": scores.unseen.acc_1,
        "above": scores.all.acc_1 - measured.best.scores.all.acc_1,
    }
    named = {f"{measured.run}.{key}": value for key, value in values.items()}
    return [judge(name, value) for name, value in named.items() if name in TARGETS]


def _describe(measured: Measured) -> dict[str, Any]:
    contenders = [*measured.baselines, *([measured.ours] if measured.ours else [])]
    return {
        "mentions": len(measured.gold),
        "contenders": {each.name: asdict(each.scores) for each in contenders},
        "parts": dict(measured.result),
    }
