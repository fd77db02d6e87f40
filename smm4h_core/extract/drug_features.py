"""What may tie a mention to a drug: how near they stand, and what the words about the drug say.

A cue belongs to the drug that it stands right before or after. It *faces* a mention when it stands
between the two with no other drug there ("itching from X", "X gave me hives"), and looks *away*
from it when it stands on the drug's other side. The cues are our own, in ``data/drug_cues.tsv``:

* ``causes``: brings it about, whichever stands first ("X-induced", "due to X");
* ``with``: taken while or before it came ("after X", "on X");
* ``remedy``: taken against something ("treated with X", "X relieved");
* ``left``: what was taken before, or is compared with ("instead of X", "switched from X");
* ``taken_up``: what was taken next ("switched to X", "X was added");
* ``stopped``: given up ("quit X"), for a reason that ``why`` may bring ("because of");
* ``harmless``: said to have done nothing bad ("X was fine", "tolerated X").
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Literal, TypeAlias, cast, get_args

from smm4h_core.corpora.tsv import read_rows
from smm4h_core.errors import DataError
from smm4h_core.extract.drug_places import DrugPlace
from smm4h_core.extract.reading import (
    Met,
    Phrase,
    Reading,
    match_phrases,
    met_within,
    split_phrase,
)
from smm4h_core.extract.words import Stretch
from smm4h_core.types import Lang

DrugSense = Literal["causes", "with", "remedy", "left", "taken_up", "harmless", "stopped", "why"]
DrugSide = Literal["before", "after"]
Way: TypeAlias = Literal["facing", "away"]
COLUMNS = ("lang", "sense", "side", "phrase")
MOST_BEFORE, MOST_AFTER = 3, 5
"""Words between a cue and the drug that it belongs to, by the cue's side of the drug; one after it
may stand farther off where a mention follows it as closely."""
MOST_TO_OBJECT = 3
"""Words between what governs a mention ("relieved", "because") and the mention."""
BY_WAY: tuple[DrugSense, ...] = ("causes", "with", "remedy", "taken_up")
"""Senses that say one thing of a mention they face, and another of one they look away from."""
EITHER_WAY: tuple[DrugSense, ...] = ("left", "harmless", "stopped")
"""Senses that say the same of every mention."""
FEATURES = (
    *("nearest", "other_clause", "other_sentence", "drugs_between", "drug_first", "repeated"),
    *("latest", *(f"{sense}_{way}" for sense in BY_WAY for way in get_args(Way))),
    *(*EITHER_WAY, "why_facing", "stopped_why"),
)
"""Names of the features, in order; see `find_features`."""


@dataclass(frozen=True, slots=True)
class DrugCue:
    """What a phrase says of the drug beside it."""

    sense: DrugSense
    """See the module."""
    side: DrugSide
    """Where it stands, seen from the drug."""


def find_cues(reading: Reading, lang: Lang) -> tuple[Met[DrugCue], ...]:
    """What a text says about the drugs in it, in order."""
    return tuple(match_phrases(reading.words, load_drug_cues()[lang]))


def find_features(
    reading: Reading,
    mention: Stretch,
    places: Sequence[DrugPlace],
    met: Sequence[Met[DrugCue]],
) -> list[list[float]]:
    """``(P, F)`` numbers of `FEATURES` for each place of drugs, as they stand to one mention.

    ``nearest`` by words; ``other_clause`` and ``other_sentence``; ``drugs_between``, other places
    between; ``drug_first``; ``repeated``, log of how often its drugs are named; ``latest``, the
    last place before the mention; whether a cue of the drug faces the mention or looks away from
    it, by sense; ``stopped_why``, given up where the mention is said to be a reason.

    Args:
        reading: The text's words.
        mention: The mention as words.
        places: Where drugs stand, one or more.
        met: The text's cues, as `find_cues` finds them.
    """
    gaps = [_gap(place, mention) for place in places]
    named = Counter(drug.name for place in places for drug in place.drugs)
    latest = max((n for n, place in enumerate(places) if place.end <= mention[0]), default=None)
    is_reason = any(
        cue.sense == "why" and 0 <= mention[0] - each.end <= MOST_TO_OBJECT
        for each in met_within(met, mention[0] - MOST_TO_OBJECT - 1, mention[0] + 1)
        for cue in each.cues
    )
    table: list[list[float]] = []
    for number, place in enumerate(places):
        last, first = _facing_words(place, mention)
        seen = _look(reading, mention, places, number, met)
        senses = {sense for sense, _ in seen}
        row = (
            gaps[number] == min(gaps),
            reading.clauses[last] != reading.clauses[first],
            reading.sentences[last] != reading.sentences[first],
            sum(last < other.start and other.end <= first for other in places),
            place.start < mention[0],
            math.log(max(named[drug.name] for drug in place.drugs)),
            number == latest,
            *((sense, way) in seen for sense in BY_WAY for way in get_args(Way)),
            *(sense in senses for sense in EITHER_WAY),
            ("why", "facing") in seen,
            is_reason and not senses.isdisjoint(("stopped", "left")),
        )
        table.append([float(value) for value in row])
    return table


def _gap(place: DrugPlace, mention: Stretch) -> int:
    return max(0, place.start - mention[1], mention[0] - place.end)


def _facing_words(place: DrugPlace, mention: Stretch) -> tuple[int, int]:
    """The last word of what stands first and the first of what stands second."""
    if place.end <= mention[0]:
        return place.end - 1, mention[0]
    if mention[1] <= place.start:
        return mention[1] - 1, place.start
    return mention[0], mention[0]


def _look(
    reading: Reading,
    mention: Stretch,
    places: Sequence[DrugPlace],
    number: int,
    met: Sequence[Met[DrugCue]],
) -> set[tuple[DrugSense, Way]]:
    """The senses of the cues that belong to a place, each with which way it looks."""
    place = places[number]
    previous = places[number - 1].end if number else 0
    following = places[number + 1].start if number + 1 < len(places) else len(reading.words)
    sentence_before = reading.sentences[place.start]
    sentence_after = reading.sentences[place.end - 1]
    seen: set[tuple[DrugSense, Way]] = set()
    near = (
        *met_within(met, place.start - MOST_BEFORE - 1, place.end + MOST_AFTER + 1),
        *met_within(met, mention[0] - MOST_AFTER - 1, mention[0] + 1),
    )
    for each in near:
        sentence = reading.sentences[each.start]
        for cue in each.cues:
            if cue.side == "before":
                is_own = previous <= each.start and 0 <= place.start - each.end <= MOST_BEFORE
                is_own = is_own and sentence == sentence_before
                is_passed = mention[1] <= each.end
                is_facing = is_passed and previous <= mention[0]
            else:
                to_mention = mention[0] - each.end
                is_near = each.start - place.end <= MOST_AFTER or 0 <= to_mention <= MOST_AFTER
                is_own = is_near and place.end <= each.start and each.end <= following
                # "Started X last week. It made me sick": the cue may open the next sentence.
                is_own = is_own and sentence <= sentence_after + 1
                is_passed = each.start <= mention[0]
                is_facing = is_passed and mention[0] < following
                if cue.sense == "remedy":  # what it is taken against stands right after
                    is_facing = is_facing and to_mention <= MOST_TO_OBJECT
            if is_own and (is_facing or not is_passed):
                seen.add((cue.sense, "facing" if is_facing else "away"))
    return seen


@cache
def load_drug_cues() -> Mapping[Lang, Mapping[Phrase, tuple[DrugCue, ...]]]:
    """The packaged cues, by language and words."""
    cues: dict[Lang, dict[Phrase, tuple[DrugCue, ...]]] = {"en": {}, "ru": {}}
    with as_file(files("smm4h_core.extract") / "data" / "drug_cues.tsv") as path:
        for row in read_rows(path, COLUMNS):
            lang, sense, side, text = (row.cells[column] for column in COLUMNS)
            phrase = split_phrase(text)
            known = (
                lang in cues,
                sense in get_args(DrugSense),
                side in get_args(DrugSide),
                bool(phrase),
            )
            if not all(known):
                raise DataError(f"{path}:{row.line}: expected a cue, got {row.cells}")
            own = cues[cast("Lang", lang)]
            cue = DrugCue(cast("DrugSense", sense), cast("DrugSide", side))
            own[phrase] = (*own.get(phrase, ()), cue)
    return cues
