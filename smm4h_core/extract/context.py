"""What a mention stands in: negated, the reason for the drug, hypothetical, another's, in the past.

After ConText (Harkema, Dowling, Thornblade and Chapman 2009, J. Biomed. Inform. 42): a cue reaches
over the words on its side of the sentence, to a word that ends its scope, or to a comma that begins
something else. The cues are our own, in ``data/context_cues.tsv``, word forms as they are written;
``none`` there takes the meaning from a longer phrase ("not only").
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files
from typing import Literal, cast, get_args

from smm4h_core.corpora.tsv import read_rows
from smm4h_core.errors import DataError
from smm4h_core.extract.reading import (
    Met,
    Phrase,
    Reading,
    match_phrases,
    met_within,
    read_text,
    split_phrase,
)
from smm4h_core.types import FoundMention, Lang, Modifier, Post, Span

Sense = Literal["negated", "indication", "hypothetical", "other_person", "history", "stop", "none"]
Side = Literal["before", "after", "both"]
COLUMNS = ("lang", "sense", "side", "phrase")
MOST_WORDS = 8
"""How far a cue reaches: posts run on without full stops, and go on to something else."""
_ALTERNATIVE = frozenset(("or", "nor", "или", "ни"))
"""What ties a list to the cue before it: "no headache, nausea or rash"."""
MODIFIERS: tuple[Modifier, ...] = get_args(Modifier)


@dataclass(frozen=True, slots=True)
class Cue:
    """What a phrase says of the mentions about it."""

    sense: Sense
    """A modifier; ``stop`` ends a scope; ``none`` says nothing."""
    side: Side
    """Where it stands, seen from the mention: ``before`` it, ``after`` it, or ``both``."""


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
    reading = read_text(text)
    met = tuple(match_phrases(reading.words, _load_cues()[lang]))
    return [_modifiers(text, span, reading, met) for span in spans]


def mark_context(post: Post, mentions: Sequence[FoundMention]) -> tuple[FoundMention, ...]:
    """A post's mentions with their context; a post of no stated language is read as English."""
    found = find_context(post.text, [each.mention.span for each in mentions], post.lang or "en")
    return tuple(
        replace(each, context=context) for each, context in zip(mentions, found, strict=True)
    )


def _modifiers(
    text: str, span: Span, reading: Reading, met: Sequence[Met[Cue]]
) -> tuple[Modifier, ...]:
    inside = reading.words_of(span.start, span.end)
    if inside is None:
        return ()
    first, last = inside
    near = met_within(met, first - MOST_WORDS, last + MOST_WORDS)
    found = {
        cue.sense
        for each in near
        for cue in each.cues
        if _reaches(each, cue.side, first, last, reading, near)
    }
    if _is_asked(text, last - 1, reading):
        found.add("hypothetical")
    return tuple(each for each in MODIFIERS if each in found)


def _reaches(
    each: Met[Cue], side: Side, first: int, last: int, reading: Reading, met: Sequence[Met[Cue]]
) -> bool:
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
    if any(cue.sense == "stop" and m.start in between for m in met for cue in m.cues):
        return False
    listed = reading.words[min(each.end, first) : last + 2]
    return not apart or not _ALTERNATIVE.isdisjoint(listed)


def _is_asked(text: str, word: int, reading: Reading) -> bool:
    """Whether the word's sentence ends with a question mark."""
    sentences, places = reading.sentences, reading.places
    final = bisect_right(sentences, sentences[word]) - 1
    end = places[final + 1][0] if final + 1 < len(places) else len(text)
    return "?" in text[places[final][1] : end]


@cache
def _load_cues() -> Mapping[Lang, Mapping[Phrase, tuple[Cue, ...]]]:
    cues: dict[Lang, dict[Phrase, tuple[Cue, ...]]] = {"en": {}, "ru": {}}
    with as_file(files("smm4h_core.extract") / "data" / "context_cues.tsv") as path:
        for row in read_rows(path, COLUMNS):
            lang, sense, side, text = (row.cells[column] for column in COLUMNS)
            phrase = split_phrase(text)
            known = (lang in cues, sense in get_args(Sense), side in get_args(Side), bool(phrase))
            if not all(known):
                raise DataError(f"{path}:{row.line}: expected a cue, got {row.cells}")
            own = cues[cast("Lang", lang)]
            own[phrase] = (*own.get(phrase, ()), Cue(cast("Sense", sense), cast("Side", side)))
    return cues
