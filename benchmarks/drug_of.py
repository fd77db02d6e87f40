"""Which drug a mention is said of: the rule beside the nearest drug, where there are several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.drug_pairs import PairedText, read_drug_ae, read_own_posts
from benchmarks.section import Section, with_interval
from smm4h_core.drugs.finder import load_finder
from smm4h_core.evaluation.intervals import percentile_interval, resample_totals, sum_by_group
from smm4h_core.extract.drug_of import find_drugs_of
from smm4h_core.extract.drug_places import DrugPlace, find_places
from smm4h_core.extract.reading import read_text
from smm4h_core.types import DrugMention, Span

Rule: TypeAlias = Callable[[PairedText], Sequence[frozenset[str]]]
"""The names of the drugs of each effect of a text."""

HEADINGS = (
    *("texts", "effects", "nearest: exact", "with its list: exact", "rule: exact [95 %]"),
    *("less the list [95 %]", "nearest: F1", "with its list: F1", "rule: F1 [95 %]"),
)
NUM_RESAMPLES, LEVEL = 2000, 0.95
NOTES = (
    "Texts that name two drugs or more. Exact: the effects whose drugs are all found and no other; "
    "F1: of pairs of drug and effect. Nearest: by characters; with its list: and the drugs that "
    "are named together with it. Intervals: bootstrap by post or article.",
    "Own posts are synthetic, by the hand that wrote the rule; their held-out half was set apart "
    "before anything was fitted.",
)


def measure(pairs: Path | None = None) -> Section:
    """Measure on our own posts, held out, and on the relations of a ``DRUG-AE.rel`` where given.

    Raises:
        DataError: a file that is not as it should be.
    """
    own = read_own_posts("held_out")
    corpora = {
        "own posts, English": [each for each in own if each.lang == "en"],
        "own posts, Russian": [each for each in own if each.lang == "ru"],
    }
    if pairs is not None:
        corpora[pairs.name] = read_drug_ae(pairs, load_finder())
    data = {name: score_texts(texts) for name, texts in corpora.items()}
    return Section(
        title="Drug of a mention",
        headings=HEADINGS,
        rows=tuple(_cells(name, found) for name, found in data.items()),
        notes=(*NOTES, *(_share(name, found) for name, found in data.items())),
        data=data,
    )


def score_texts(texts: Sequence[PairedText]) -> dict[str, Any]:
    """Score every rule on the texts that name several drugs."""
    several = [text for text in texts if text.has_several]
    effects = sum(len(text.effects) for text in texts)
    hard = sum(len(text.effects) for text in several)
    counts = {name: count_texts(several, rule) for name, rule in RULES.items()}
    groups = [text.group for text in several]
    return {
        "texts": len(several),
        "effects": hard,
        "share_of_effects": hard / effects if effects else None,
        "rules": {name: _numbers(rows, groups) for name, rows in counts.items()} if hard else {},
        "gain": _gain(counts["rule"], counts["list"], groups) if hard else None,
    }


def count_texts(texts: Sequence[PairedText], rule: Rule) -> NDArray[np.int64]:
    """``(T, 5)`` by text: effects answered exactly, effects, right pairs, answered, and gold."""
    rows = []
    for text in texts:
        gold = [names for _, names in text.effects]
        pred = rule(text)
        both = list(zip(gold, pred, strict=True))
        right = sum(len(names & said) for names, said in both)
        exact = sum(names == said for names, said in both)
        rows.append((exact, len(gold), right, sum(map(len, pred)), sum(map(len, gold))))
    return np.array(rows, dtype=np.int64).reshape(-1, 5)


def answer_nearest(text: PairedText) -> list[frozenset[str]]:
    """The drug nearest by characters."""
    return [frozenset((_nearest(span, text.drugs).name,)) for span, _ in text.effects]


def answer_nearest_list(text: PairedText) -> list[frozenset[str]]:
    """The nearest drug with those that it is listed with."""
    places = find_places(text.text, read_text(text.text), text.drugs)
    return [_names(_place_of(_nearest(span, text.drugs), places)) for span, _ in text.effects]


def answer_rule(text: PairedText) -> list[frozenset[str]]:
    """What the pipeline says."""
    spans = [span for span, _ in text.effects]
    found = find_drugs_of(text.text, spans, text.drugs, text.lang)
    return [frozenset(tie.drug.name for tie in ties) for ties in found]


RULES: Mapping[str, Rule] = {
    "nearest": answer_nearest,
    "list": answer_nearest_list,
    "rule": answer_rule,
}


def _nearest(span: Span, drugs: Sequence[DrugMention]) -> DrugMention:
    return min(
        drugs, key=lambda drug: max(0, drug.span.start - span.end, span.start - drug.span.end)
    )


def _place_of(drug: DrugMention, places: Sequence[DrugPlace]) -> DrugPlace:
    return next(place for place in places if drug in place.drugs)


def _names(place: DrugPlace) -> frozenset[str]:
    return frozenset(drug.name for drug in place.drugs)


def _rates(totals: NDArray[np.int64]) -> NDArray[np.float64]:
    """``(..., 2)`` exact answers and F1 of sums ``(..., 5)``."""
    exact = totals[..., 0] / np.maximum(totals[..., 1], 1)
    f1 = 2 * totals[..., 2] / np.maximum(totals[..., 3] + totals[..., 4], 1)
    return np.stack([exact, f1], axis=-1)


def _numbers(rows: NDArray[np.int64], groups: Sequence[str]) -> dict[str, Any]:
    units = sum_by_group(rows, groups)
    exact, f1 = map(float, _rates(rows.sum(axis=0)))
    drawn = _rates(resample_totals(units, num_resamples=NUM_RESAMPLES, seed=0))
    ends = [percentile_interval(column, LEVEL) for column in drawn.T]
    precision, recall = (int(rows[:, 2].sum()) / int(rows[:, n].sum()) for n in (3, 4))
    return {
        **{"exact": exact, "f1": f1, "precision": precision, "recall": recall},
        "ci95": {
            name: [each.low, each.high] for name, each in zip(("exact", "f1"), ends, strict=True)
        },
    }


def _gain(
    rule: NDArray[np.int64], other: NDArray[np.int64], groups: Sequence[str]
) -> dict[str, Any]:
    """How much more often the rule is exact than another answer on the same texts."""
    units = sum_by_group(np.concatenate([rule, other], axis=1), groups)
    drawn = resample_totals(units, num_resamples=NUM_RESAMPLES, seed=0)
    gains = _rates(drawn[:, :5])[:, 0] - _rates(drawn[:, 5:])[:, 0]
    ends = percentile_interval(gains, LEVEL)
    gain = _rates(rule.sum(axis=0))[0] - _rates(other.sum(axis=0))[0]
    return {"exact": float(gain), "ci95": [ends.low, ends.high]}


def _cells(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    rules, gain = found["rules"], found["gain"]
    if not rules:
        return (name, "0", *("",) * (len(HEADINGS) - 2))
    nearest, listed, rule = (rules[each] for each in RULES)
    low, high = gain["ci95"]
    return (
        f"{name}: {found['texts']}",
        str(found["effects"]),
        f"{nearest['exact']:.3f}",
        f"{listed['exact']:.3f}",
        with_interval(rule["exact"], rule["ci95"]["exact"]),
        f"{gain['exact']:+.3f} [{low:+.3f}, {high:+.3f}]",
        f"{nearest['f1']:.3f}",
        f"{listed['f1']:.3f}",
        with_interval(rule["f1"], rule["ci95"]["f1"]),
    )


def _share(name: str, found: Mapping[str, Any]) -> str:
    share = found["share_of_effects"]
    return f"{name}: {share or 0:.1%} of the effects stand in texts that name several drugs."
