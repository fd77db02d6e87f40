"""What a mention stands in: negated, the reason for the drug, hypothetical, another's, in the past.

After ConText (Harkema, Dowling, Thornblade and Chapman 2009, J. Biomed. Inform. 42): a cue reaches
over the words on its side of the sentence, to a word that ends its scope, or to a comma that begins
something else. The cues are our own, in ``data/context_cues.tsv``, word forms as they are written;
``none`` there takes the meaning from a longer phrase ("not only").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files
from itertools import accumulate, pairwise
from typing import Literal, cast, get_args

from smm4h_core.corpora.tsv import read_rows
from smm4h_core.drugs.names import normalise_name
from smm4h_core.errors import DataError
from smm4h_core.extract.words import Stretch, find_words
from smm4h_core.types import FoundMention, Lang, Modifier, Post, Span

Sense = Literal["negated", "indication", "hypothetical", "other_person", "history", "stop", "none"]
Side = Literal["before", "after", "both"]
COLUMNS = ("lang", "sense", "side", "phrase")
MOST_WORDS = 8
"""How far a cue reaches: posts run on without full stops, and go on to something else."""
_ALTERNATIVE = frozenset(("or", "nor", "или", "ни"))
"""What ties a list to the cue before it: "no headache, nausea or rash"."""
_SENTENCE_END = re.compile(r"[.!?…]+[\"')»]*\s|\n")
_CLAUSE_END = re.compile(r"[,;:.!?…()]|\n|\s[-\u2013\u2014]\s")

Phrase = tuple[str, ...]
MODIFIERS: tuple[Modifier, ...] = get_args(Modifier)


@dataclass(frozen=True, slots=True)
class Cue:
    """What a phrase says of the mentions about it."""

    sense: Sense
    """A modifier; ``stop`` ends a scope; ``none`` says nothing."""
    side: Side
    """Where it stands, seen from the mention: ``before`` it, ``after`` it, or ``both``."""


@dataclass(frozen=True, slots=True)
class _Met:
    """A phrase of cues in a text, as words ``[start, end)``."""

    start: int
    end: int
    cues: tuple[Cue, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """A text as words."""

    places: tuple[Stretch, ...]
    """``(W,)`` where they stand."""
    words: tuple[str, ...]
    """``(W,)`` folded."""
    sentences: tuple[int, ...]
    """``(W,)`` the sentence of each."""
    clauses: tuple[int, ...]
    """``(W,)`` the stretch between commas of each."""
    met: tuple[_Met, ...]
    """Its cues, in order."""


def find_context(text: str, spans: Sequence[Span], lang: Lang) -> list[tuple[Modifier, ...]]:
    """Each mention's modifiers, in the order of `Modifier`; nothing is what most have.

    A cue inside a mention says nothing of it: "no sleep" is an effect.

    Args:
        text: The post as received.
        spans: Its mentions.
        lang: The post's language.
    """
    if not spans:
        return []
    reading = _read(text, lang)
    return [_modifiers(text, span, reading) for span in spans]


def mark_context(post: Post, mentions: Sequence[FoundMention]) -> tuple[FoundMention, ...]:
    """A post's mentions with their context; a post of no stated language is read as English."""
    found = find_context(post.text, [each.mention.span for each in mentions], post.lang or "en")
    return tuple(
        replace(each, context=context) for each, context in zip(mentions, found, strict=True)
    )


def _modifiers(text: str, span: Span, reading: _Reading) -> tuple[Modifier, ...]:
    inside = [
        place
        for place, (start, end) in enumerate(reading.places)
        if start < span.end and span.start < end
    ]
    if not inside:
        return ()
    first, last = inside[0], inside[-1] + 1
    found = {
        cue.sense
        for each in reading.met
        for cue in each.cues
        if _reaches(each, cue.side, first, last, reading)
    }
    if _is_asked(text, last - 1, reading):
        found.add("hypothetical")
    return tuple(each for each in MODIFIERS if each in found)


def _reaches(each: _Met, side: Side, first: int, last: int, reading: _Reading) -> bool:
    """Whether a cue on that side of the mention ``[first, last)`` reaches it."""
    if side != "after" and each.end <= first:
        between = range(each.end, first)
        apart = reading.clauses[each.end - 1] != reading.clauses[first]
    elif side != "before" and each.start >= last:
        between = range(last, each.start)
        apart = reading.clauses[last - 1] != reading.clauses[each.start]
    else:
        return False
    if len(between) >= MOST_WORDS or reading.sentences[each.start] != reading.sentences[first]:
        return False
    if any(cue.sense == "stop" and m.start in between for m in reading.met for cue in m.cues):
        return False
    listed = reading.words[min(each.end, first) : last + 2]
    return not apart or not _ALTERNATIVE.isdisjoint(listed)


def _is_asked(text: str, word: int, reading: _Reading) -> bool:
    """Whether the word's sentence ends with a question mark."""
    sentences, places = reading.sentences, reading.places
    final = max(place for place in range(word, len(places)) if sentences[place] == sentences[word])
    end = places[final + 1][0] if final + 1 < len(places) else len(text)
    return "?" in text[places[final][1] : end]


def _read(text: str, lang: Lang) -> _Reading:
    places = find_words(text)
    words = tuple(normalise_name(text[start:end]) for start, end in places)
    gaps = [text[before:after] for (_, before), (after, _) in pairwise(places)]
    sentences = tuple(accumulate((bool(_SENTENCE_END.search(gap)) for gap in gaps), initial=0))
    clauses = tuple(accumulate((bool(_CLAUSE_END.search(gap)) for gap in gaps), initial=0))
    met = tuple(_match(words, _load_cues()[lang]))
    return _Reading(places, words, sentences[: len(words)], clauses[: len(words)], met)


def _match(words: Sequence[str], cues: Mapping[Phrase, tuple[Cue, ...]]) -> Iterator[_Met]:
    """Phrases of cues, the longest at each place; none within another."""
    longest = max(map(len, cues))
    place = 0
    while place < len(words):
        for length in range(min(longest, len(words) - place), 0, -1):
            found = cues.get(tuple(words[place : place + length]))
            if found is not None:
                yield _Met(place, place + length, found)
                break
        else:
            length = 1
        place += length


@cache
def _load_cues() -> Mapping[Lang, Mapping[Phrase, tuple[Cue, ...]]]:
    cues: dict[Lang, dict[Phrase, tuple[Cue, ...]]] = {"en": {}, "ru": {}}
    with as_file(files("smm4h_core.extract") / "data" / "context_cues.tsv") as path:
        for row in read_rows(path, COLUMNS):
            lang, sense, side, text = (row.cells[column] for column in COLUMNS)
            phrase = tuple(normalise_name(text[start:end]) for start, end in find_words(text))
            known = (lang in cues, sense in get_args(Sense), side in get_args(Side), bool(phrase))
            if not all(known):
                raise DataError(f"{path}:{row.line}: expected a cue, got {row.cells}")
            own = cues[cast("Lang", lang)]
            own[phrase] = (*own.get(phrase, ()), Cue(cast("Sense", sense), cast("Side", side)))
    return cues
