"""Taggers beside what they must beat, on three corpora: ``python -m benchmarks --only extraction``.

The baselines are trained here and now, on the same posts; the ensembles are finished runs.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.extraction_baselines import BASELINES, Answers, CorpusPosts
from benchmarks.reach import TARGETS, Verdict, judge
from benchmarks.runs import config_path, finished_run
from benchmarks.section import BenchmarkError, Section, with_interval
from smm4h_core.config import CorpusRef, RunConfig, config_from_mapping, read_config
from smm4h_core.corpora.source import read_source
from smm4h_core.errors import Smm4hError
from smm4h_core.evaluation.counts import CountRows, score_counts
from smm4h_core.evaluation.intervals import bootstrap_intervals
from smm4h_core.evaluation.significance import Comparison, compare_runs
from smm4h_core.evaluation.spans import ByScorer, Mentions, count_spans
from smm4h_core.members.comparison import ANSWERS, CONFIG, RESULT
from smm4h_core.members.data import read_run_posts
from smm4h_core.members.predictions import SplitName
from smm4h_core.members.span_predictions import read_mentions
from smm4h_core.storage import Storage, open_storage
from smm4h_core.types import AnnotatedPost

CORPORA = MappingProxyType(
    {"psytar_extract": "PsyTAR", "ade2_extract": "ADE-Corpus", "rudrec_extract": "RuDReC"}
)
"""Run names and what their corpora are called."""
VARIANTS = ("no_terms", "plain", "linear", "crf", "ade2")
"""Ends of the names of runs that differ from a corpus's own in one thing, shown where they are."""
SLOWEST = "spaCy ner, blank"
CHOOSE_SHARE = 1 / 6
"""Of what is learnt from: what baselines choose on where a fold stands in for test."""
UNTOLD = ("name", "version", "description", "storage", "resources")
"""Keys in which runs differ without being another set-up."""

Strictness = Literal["strict", "relaxed"]
MATCHES: tuple[Strictness, ...] = get_args(Strictness)
HEADINGS = (
    "corpus",
    "who",
    *("strict P", "R", "F1 [95 %]"),
    *("relaxed P", "R", "F1 [95 %]"),
    *("official strict", "relaxed"),
    *("strict over baseline [95 %]", "p"),
    *("relaxed over baseline [95 %]", "p"),
)
NOTES = (
    "Test posts, those without a mention among them. Strict and relaxed: one to one; official: the "
    "shared task's scorer, F1. Intervals: bootstrap by author, review or article. Over baseline: "
    "the ensemble's F1 less that of the best baseline by that measure, with a paired permutation "
    "test. Out of fold: training posts, each answered by who has not learnt from it. Members: mean "
    "± standard deviation over seeds. Baselines learn from train and choose penalties and epochs "
    "on dev; where the members are of folds they learn from dev too.",
)


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """Someone's answers on a corpus's test posts."""

    name: str
    """Who."""
    rows: ByScorer[CountRows]
    """``(N, 3)`` counts by scorer and strictness."""
    members: Mapping[Strictness, Mapping[str, Any]] | None = None
    """One-to-one F1 over an ensemble's members; None of a baseline."""

    def counts(self, match: Strictness) -> CountRows:
        """The one-to-one counts."""
        return self.rows.one_to_one.strict if match == "strict" else self.rows.one_to_one.relaxed

    def f1(self, match: Strictness) -> float:
        """One-to-one F1."""
        return score_counts(self.counts(match)).f1


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A corpus with all who answered it."""

    run: str
    """The name of the corpus's own run."""
    corpus: str
    """What it is called, with the split where that is not test."""
    test: Sequence[AnnotatedPost]
    """The posts answered."""
    baselines: Sequence[Contender]
    """At least a dictionary."""
    ensembles: Sequence[Contender]
    """The corpus's own run and its variants, as far as they are finished."""
    missing: Sequence[str]
    """What could not be measured."""

    def best(self, match: Strictness) -> Contender:
        """The best baseline by a measure."""
        return max(self.baselines, key=lambda each: each.f1(match))

    def compare(self, baseline: Contender, ensemble: Contender, match: Strictness) -> Comparison:
        """Paired by post, drawn by group."""
        groups = [each.group for each in self.test]
        return compare_runs(baseline.counts(match), ensemble.counts(match), groups=groups)


def measure() -> Section:
    """Train the baselines of every corpus and set the finished runs beside them."""
    corpora, missing = [], []
    for name in CORPORA:
        try:
            corpora.append(measure_corpus(name))
            if read_config(config_path(name)).data.folds > 1:
                corpora.append(measure_out_of_fold(name))
        except Smm4hError as error:
            missing.append(f"{name}: {error}")
    return Section(
        title="Extraction of ADE mentions, test posts",
        headings=HEADINGS,
        rows=tuple(row for each in corpora for row in _rows(each)),
        data={
            each.corpus.replace(CORPORA[each.run], each.run): _describe(each) for each in corpora
        },
        notes=(*NOTES, *(note for each in corpora for note in _tell_variants(each))),
        missing=(*missing, *(line for each in corpora for line in each.missing)),
        verdicts=tuple(verdict for each in corpora for verdict in _judge(each)),
    )


def measure_corpus(name: str) -> Measured:
    """Answer one corpus's test posts in every way.

    Raises:
        DataError: the corpus is not there, or not as its format has it.
    """
    config = read_config(config_path(name))
    data = config.data
    posts = CorpusPosts(
        train=_read(config, data.train),
        dev=_read(config, data.dev),
        test=_read(config, data.test),
        learns_dev=data.folds > 1,
    )
    gold = {each.post.post_id: each.mentions for each in posts.test}
    baselines, missing = [], []
    for who, baseline in BASELINES.items():
        try:
            rows = count_spans(gold, baseline(posts), task="1b")
            baselines.append(Contender(who, rows))
        except Smm4hError as error:
            missing.append(f"{who}: {error}")
    ensembles, absent = _read_ensembles(config, gold, "test")
    return Measured(name, CORPORA[name], posts.test, baselines, ensembles, [*missing, *absent])


def measure_out_of_fold(name: str) -> Measured:
    """Answer a corpus's training posts, each by who has not learnt from it, on the run's own folds.

    There are more of them than of test posts. Baselines choose on `CHOOSE_SHARE` of what they learn
    from; the slowest one, spaCy's, is left out. The ensemble's joining is chosen on these posts.

    Raises:
        DataError: the corpus is not there, or not as its format has it.
    """
    config = read_config(config_path(name))
    posts = read_run_posts(config)
    gold = {each.post.post_id: each.mentions for each in posts.pool}
    baselines = []
    for who, baseline in BASELINES.items():
        if who == SLOWEST:
            continue
        answers: Answers = {}
        for fold in range(config.data.folds):
            train, held_out = posts.parted(fold)
            learnt = random.Random(fold).sample(train, len(train))
            chosen_on = int(CHOOSE_SHARE * len(learnt))
            answers |= baseline(
                CorpusPosts(learnt[chosen_on:], learnt[:chosen_on], held_out, learns_dev=True)
            )
        baselines.append(Contender(who, count_spans(gold, answers, task="1b")))
    ensembles, missing = _read_ensembles(config, gold, "oof")
    corpus = f"{CORPORA[name]}, out of fold"
    return Measured(name, corpus, posts.pool, baselines, ensembles, missing)


def _read_ensembles(
    config: RunConfig, gold: Mentions, split: SplitName
) -> tuple[list[Contender], list[str]]:
    """A corpus's own run and its variants, as far as they are finished; what is not."""
    name, ensembles, missing = config.name, [], []
    try:
        ensembles.append(_read_ensemble(finished_run(name)[1], gold, "ours", split))
    except BenchmarkError as error:
        missing.append(str(error))
    for variant in VARIANTS:
        run = open_storage(config.storage).child(f"{name}_{variant}")
        if not run.exists(RESULT):
            continue
        stored = config_from_mapping(run.read_json(CONFIG), source=f"{run.root}/{CONFIG}")
        try:
            differing = ", ".join(differing_keys(config, stored))
            ensembles.append(_read_ensemble(run, gold, f"ours, {differing}", split))
        except BenchmarkError as error:
            missing.append(str(error))
    return ensembles, missing


def differing_keys(ours: RunConfig, other: RunConfig) -> list[str]:
    """What makes another run another set-up: ``section.key=value``, values as the other has them.

    Raises:
        BenchmarkError: it answered other posts.
    """
    if ours.data.test != other.data.test:
        wanted, came = ([ref.path for ref in each.data.test] for each in (ours, other))
        raise BenchmarkError(f"{other.name}: expected answers on {wanted}, got {came or 'none'}")
    mine, theirs = (
        _flatten(each.model_dump(mode="json", exclude=set(UNTOLD))) for each in (ours, other)
    )
    # One side may have a section that the other has not.
    differ = {key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)}
    return [f"{key}={theirs.get(key)}" for key in sorted(differ)]


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _read(config: RunConfig, refs: Sequence[CorpusRef]) -> list[AnnotatedPost]:
    root = Path(config.data.root)
    return [
        post
        for ref in refs
        for post in read_source(ref.path, config.task, ref.lang, root, types=ref.types)
    ]


def _read_ensemble(run: Storage, gold: Mentions, name: str, split: SplitName) -> Contender:
    with run.read(ANSWERS) as stream:
        table = pq.read_table(stream)
    stored = table.filter(pc.equal(table["split"], split))
    post_ids = stored["post_id"].to_pylist()
    pred = dict(zip(post_ids, map(read_mentions, stored["mentions"].to_pylist()), strict=True))
    known = dict(zip(post_ids, map(read_mentions, stored["gold"].to_pylist()), strict=True))
    if {i: [m.parts for m in known[i]] for i in known} != {
        i: [m.parts for m in mentions] for i, mentions in gold.items()
    }:
        raise BenchmarkError(f"{run.root}: its {split} posts are others than the corpus now has")
    scores = run.read_json(RESULT)["splits"][split]["one_to_one"]
    return Contender(
        name=name,
        rows=count_spans(gold, pred, task="1b"),
        members={match: scores[match]["members"] for match in MATCHES},
    )


def _rows(measured: Measured) -> list[tuple[str, ...]]:
    corpus = measured.corpus
    rows = [(corpus, each.name, *_scores(measured, each), *[""] * 4) for each in measured.baselines]
    for each in measured.ensembles:
        assert each.members is not None  # as ensembles have
        spreads = [each.members[match] for match in MATCHES]
        strict, relaxed = (f"{spread['mean']:.3f} ± {spread['sd'] or 0:.3f}" for spread in spreads)
        if (num_members := spreads[0]["num_members"]) > 1:
            who = f"{each.name}: {num_members} members"
            rows.append((corpus, who, "", "", strict, "", "", relaxed, *[""] * 6))
        against = [measured.compare(measured.best(match), each, match) for match in MATCHES]
        cells = [cell for comparison in against for cell in _difference(comparison)]
        who = f"{each.name}: {'ensemble' if num_members > 1 else 'one member'}"
        rows.append((corpus, who, *_scores(measured, each), *cells))
    return rows


def _scores(measured: Measured, contender: Contender) -> list[str]:
    groups = [each.group for each in measured.test]
    cells = []
    for match in MATCHES:
        rows = contender.counts(match)
        score, interval = score_counts(rows), bootstrap_intervals(rows, groups=groups).f1
        cells += [f"{score.precision:.3f}", f"{score.recall:.3f}"]
        cells.append(with_interval(score.f1, (interval.low, interval.high)))
    official = contender.rows.official
    cells += [f"{score_counts(rows).f1:.3f}" for rows in (official.strict, official.relaxed)]
    return cells


def _difference(against: Comparison) -> tuple[str, str]:
    low, high = against.interval.low, against.interval.high
    return f"{against.difference:+.3f} [{low:+.3f}, {high:+.3f}]", f"{against.permutation_p:.4f}"


def _tell_variants(measured: Measured) -> list[str]:
    """How each variant compares with the corpus's own run."""
    if len(measured.ensembles) < 2 or measured.ensembles[0].name != "ours":
        return []
    ours, *variants = measured.ensembles
    notes = []
    for variant in variants:
        cells = []
        for match in MATCHES:
            difference, p = _difference(measured.compare(ours, variant, match))
            cells.append(f"{match} {difference}, p {p}")
        notes.append(f"{measured.corpus}, {variant.name} less ours: {'; '.join(cells)}.")
    return notes


def _judge(measured: Measured) -> list[Verdict]:
    ours = next((each for each in measured.ensembles if each.name == "ours"), None)
    if ours is None or measured.corpus != CORPORA[measured.run]:
        return []  # what is aimed at is aimed at on test
    verdicts = [
        judge(target, ours.f1(match))
        for match in MATCHES
        if (target := f"{measured.run}.{match}") in TARGETS
    ]
    if not measured.missing:  # a baseline that did not run is not beaten
        least = min(ours.f1(match) - measured.best(match).f1(match) for match in MATCHES)
        verdicts.append(judge(f"{measured.run}.above", least))
    return verdicts


def _describe(measured: Measured) -> dict[str, Any]:
    groups = [each.group for each in measured.test]

    def numbers(rows: CountRows) -> dict[str, Any]:
        intervals = bootstrap_intervals(rows, groups=groups)
        return {**score_counts(rows).numbers(), "ci95": intervals.to_json()}

    return {
        "posts": len(measured.test),
        "mentions": sum(len(each.mentions) for each in measured.test),
        "contenders": {
            each.name: {**asdict(each.rows.map(numbers)), "members": each.members}
            for each in (*measured.baselines, *measured.ensembles)
        },
        "against_best_baseline": {
            each.name: {
                match: {
                    "baseline": measured.best(match).name,
                    **asdict(measured.compare(measured.best(match), each, match)),
                }
                for match in MATCHES
            }
            for each in measured.ensembles
        },
    }
