"""Which drug a mention is said of: a small scored rule over the places where drugs are named.

Each place (`drug_places`) gets a score from its features (`drug_features`) and their weights, in
``data/drug_weights.tsv``; a softmax over the places makes them shares, and a drug has the shares of
all places that name it. `benchmarks.drug_of` fits the weights and measures the rule; what it is
worth is told in ``docs/decisions/0013-drug-of-a-mention.md``.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import as_file, files
from operator import attrgetter

from smm4h_core.corpora.tsv import read_rows
from smm4h_core.errors import DataError
from smm4h_core.extract.drug_features import FEATURES, DrugCue, find_cues, find_features
from smm4h_core.extract.drug_places import DrugPlace, find_places
from smm4h_core.extract.reading import Met, Reading, read_text
from smm4h_core.types import DrugMention, DrugTie, FoundMention, Lang, Post, Span

MOST_PLACES = 32
"""Places that are weighed on each side of a mention: a post that names more is a list of drugs."""
LEAST_SHARE = 0.5
"""Share from which a drug is taken; where none has it, the best place's drugs are."""


def find_drugs_of(
    text: str, spans: Sequence[Span], drugs: Sequence[DrugMention], lang: Lang
) -> list[tuple[DrugTie, ...]]:
    """The drugs that each mention is said of; never none where the text names one.

    Brand and ingredient are one drug (`DrugMention.name`). Of a mention without a letter, a digit
    or a picture nothing can be said.

    Args:
        text: The post as received.
        spans: Its mentions.
        drugs: The drugs named in it, in order, none overlapping.
        lang: The post's language.
    """
    if not spans or not drugs:
        return [()] * len(spans)
    reading = read_text(text)
    places = find_places(text, reading, drugs)
    met = find_cues(reading, lang)
    return [_tie(reading, span, places, met) for span in spans]


def mark_drugs(
    post: Post, mentions: Sequence[FoundMention], drugs: Sequence[DrugMention]
) -> tuple[FoundMention, ...]:
    """A post's mentions with their drugs; a post of no stated language is read as English."""
    spans = [each.mention.span for each in mentions]
    found = find_drugs_of(post.text, spans, drugs, post.lang or "en")
    return tuple(replace(each, drugs=ties) for each, ties in zip(mentions, found, strict=True))


def candidates(places: Sequence[DrugPlace], span: Span) -> tuple[DrugPlace, ...]:
    """The places that a mention may be said of.

    A drug within the mention, but not at its start, is what is measured ("raised lithium levels"):
    it counts only where no other drug is named.
    """
    outside = tuple(
        place
        for place in places
        if not any(
            span.start < drug.span.start and drug.span.end <= span.end for drug in place.drugs
        )
    )
    return outside or tuple(places)


def _tie(
    reading: Reading, span: Span, places: Sequence[DrugPlace], met: Sequence[Met[DrugCue]]
) -> tuple[DrugTie, ...]:
    words = reading.words_of(span.start, span.end)
    if words is None or not places:
        return ()
    middle = bisect(places, words[0], key=attrgetter("start"))
    places = candidates(places[max(0, middle - MOST_PLACES) : middle + MOST_PLACES], span)
    weights = load_weights()
    scores = [
        sum(weights[name] * value for name, value in zip(FEATURES, row, strict=True))
        for row in find_features(reading, words, places, met)
    ]
    powers = [math.exp(score - max(scores)) for score in scores]
    return choose_drugs(places, [power / sum(powers) for power in powers])


def choose_drugs(places: Sequence[DrugPlace], shares: Sequence[float]) -> tuple[DrugTie, ...]:
    """The drugs whose shares, summed over places, reach `LEAST_SHARE`, or the best place's.

    Args:
        places: Where drugs stand, one or more.
        shares: ``(P,)`` their shares.
    """
    naming: dict[str, tuple[float, DrugMention]] = {}
    sums: dict[str, float] = {}
    for place, share in zip(places, shares, strict=True):
        for name, drug in {drug.name: drug for drug in reversed(place.drugs)}.items():
            sums[name] = sums.get(name, 0.0) + share
            if name not in naming or share > naming[name][0]:
                naming[name] = (share, drug)
    best = places[max(range(len(places)), key=lambda n: (shares[n], -n))]
    chosen = {name for name, total in sums.items() if total >= LEAST_SHARE}
    chosen = chosen or {drug.name for drug in best.drugs}
    ties = [DrugTie(naming[name][1], min(sums[name], 1.0)) for name in chosen]
    return tuple(sorted(ties, key=lambda tie: tie.drug.span))


@cache
def load_weights() -> Mapping[str, float]:
    """The packaged weights by feature.

    Raises:
        DataError: other features than `FEATURES`, or a weight that is no number.
    """
    weights: dict[str, float] = {}
    with as_file(files("smm4h_core.extract") / "data" / "drug_weights.tsv") as path:
        for row in read_rows(path, ("feature", "weight")):
            try:
                weights[row.cells["feature"]] = float(row.cells["weight"])
            except ValueError:
                raise DataError(
                    f"{path}:{row.line}: expected a number, got {row.cells['weight']!r}"
                ) from None
    if tuple(weights) != FEATURES:
        raise DataError(f"{path}: expected {', '.join(FEATURES)}, got {', '.join(weights)}")
    return weights
