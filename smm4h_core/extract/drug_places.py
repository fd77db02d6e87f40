"""Where the drugs of a text stand among its words; drugs that are listed together share a place.

"A, B and C gave me hives" says hives of all three, and a drug with its brand in brackets is one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from smm4h_core.extract.reading import Reading, split_phrase
from smm4h_core.types import DrugMention

MOST_BETWEEN = 6
"""Words between two drugs of a list, as in "lithium 300 mg daily and oral haloperidol"."""
_JOIN = frozenset(("and", "or", "nor", "plus", "и", "или", "плюс"))
"""Words that make a list of what stands about them."""
_WITH = frozenset(("with", "с", "со"))
"""Words that join drugs where a word such as "combination" stands near."""
_PAIRED = (
    *("combin", "combo", "together", "concomitant", "concurrent", "association", "interact"),
    *("сочетан", "комбинац", "совместн", "вместе", "взаимодейств"),
)
_BESIDE = frozenset(
    (
        *("additional", "also", "as", "both", "given", "especially", "in", "injection"),
        *(
            "intravenous",
            "topical",
            "subcutaneous",
            "low",
            "high",
            "dose",
            "some",
            "other",
            "more",
            "of",
            "oral",
            "possibly",
            "recently",
            "the",
            "use",
            "well",
        ),
        *("weekly", "daily", "mg", "mcg", "g", "day", "в", "мг", "сутки", "также"),
    )
)
"""Words that may stand between, and join nothing by themselves."""
_MARKS = frozenset("/+&")
"""Signs that make a list where nothing else stands between."""
_TIGHT = frozenset(("-", "("))
"""What may stand alone between two names of one thing, or the two parts of a compound."""
_BRACKETS = re.compile(r"\s*\([^()]*\)")
_BREAKS = frozenset(";:!?")


@dataclass(frozen=True, slots=True)
class DrugPlace:
    """A drug, or a list of drugs, as words ``[start, end)``."""

    start: int
    """The first word of the first."""
    end: int
    """One past the last word of the last."""
    drugs: tuple[DrugMention, ...]
    """What is named there, in order."""


def find_places(text: str, reading: Reading, drugs: Sequence[DrugMention]) -> tuple[DrugPlace, ...]:
    """The places of drugs in order; a drug that holds no word has none.

    Args:
        text: The post as received.
        reading: Its words.
        drugs: The drugs named in it, in order, none overlapping.
    """
    single: list[DrugPlace] = []
    for drug in drugs:
        words = reading.words_of(drug.span.start, drug.span.end)
        if words is not None:
            single.append(DrugPlace(*words, (drug,)))
    places: list[DrugPlace] = []
    run: list[DrugPlace] = single[:1]
    for place in single[1:]:
        if not _is_named_again(text, run, place) and _is_listed(text, reading, run[-1], place):
            run.append(place)
        else:
            places += _close(text, reading, run)
            run = [place]
    return (*places, *_close(text, reading, run))


def _is_named_again(text: str, run: Sequence[DrugPlace], place: DrugPlace) -> bool:
    """Whether the drug stands in the list already, but for its other name in brackets."""
    names = {each.drugs[0].name for each in run}
    return place.drugs[0].name in names and _gap(text, run[-1], place).strip(" ") not in _TIGHT


def _is_listed(text: str, reading: Reading, first: DrugPlace, second: DrugPlace) -> bool:
    """Whether what stands between two drugs may stand within a list."""
    gap = _gap(text, first, second)
    between = split_phrase(gap)
    if len(between) > MOST_BETWEEN or not _BREAKS.isdisjoint(gap):
        return False
    if reading.sentences[first.end - 1] != reading.sentences[second.start]:
        return False
    if _WITH.isdisjoint(between):
        return all(_may_stand(word) for word in between)
    return _is_paired(reading, first, second) and all(
        _may_stand(word) or word in _WITH or word.startswith(_PAIRED) for word in between
    )


def _gap(text: str, first: DrugPlace, second: DrugPlace) -> str:
    """What stands between two drugs, without what stands in brackets there ("(LTG) and")."""
    return _BRACKETS.sub("", text[first.drugs[-1].span.end : second.drugs[0].span.start])


def _may_stand(word: str) -> bool:
    return word in _JOIN or word in _BESIDE or word.isdigit()


def _is_paired(reading: Reading, first: DrugPlace, second: DrugPlace) -> bool:
    near = reading.words[max(0, first.start - 4) : second.start]
    return any(word.startswith(_PAIRED) for word in near)


def _close(text: str, reading: Reading, run: Sequence[DrugPlace]) -> list[DrugPlace]:
    """A run as one place, where something joins it; drugs between commas alone stand apart."""
    if len(run) < 2 or not _is_joined(text, reading, run):
        return list(run)
    drugs = tuple(drug for place in run for drug in place.drugs)
    return [DrugPlace(run[0].start, run[-1].end, drugs)]


def _is_joined(text: str, reading: Reading, run: Sequence[DrugPlace]) -> bool:
    between: set[str] = set()
    marks: set[str] = set()
    for first, second in pairwise(run):
        gap = _gap(text, first, second)
        words = split_phrase(gap)
        between.update(words)
        marks.update(gap if not words else "")
        if gap.strip(" ") in _TIGHT:
            return True
    if len(run) == 2 and "," in gap and _JOIN.issuperset(words):
        return False  # "X, and Y helped": no comma stands in a list of two
    after = reading.words[run[-1].end : run[-1].end + 1]
    if any(word.startswith(_PAIRED) or (not between and word in _JOIN) for word in after):
        return True  # "the X Y combo"; "X, Y and something that is no known drug"
    return not (between.isdisjoint(_JOIN | _WITH) and marks.isdisjoint(_MARKS))
