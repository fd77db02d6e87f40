"""The lexicon's names by their words, so that a text's words find the longest name at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from smm4h_core.drugs.inflect import bend_by_ending
from smm4h_core.drugs.lexicon import DrugName, Lexicon
from smm4h_core.drugs.names import normalise_name

WORD = re.compile(r"#?[^\W_]+")
"""A word: letters and digits, and the mark that makes it a hashtag. All else parts words."""
_PIECE = re.compile(r"([^\W_]+)")
MIN_JOINED = 5
"""Shorter names of several words, their spaces left out, are too often something else."""


@dataclass(frozen=True, slots=True)
class NameIndex:
    """Names as sequences of words."""

    names: Mapping[str, DrugName]
    """Names by their key: the words, and between them what parts them (see `gap_key`). A name of
    several words has a second key without anything between: hashtags have no spaces."""
    first_words: frozenset[str]
    """First words of names of several words."""
    openings: Mapping[str, int]
    """First two words of such names, as a key, to the number of words of the longest."""
    anchors: frozenset[str]
    """Of each such name the word that is least ordinary: a text without an anchor holds none,
    however many of its words begin one (``a``, ``low``, ``5``)."""
    ordinary: frozenset[str]
    """Keys of names that are ordinary words too."""
    spellable: tuple[str, ...]
    """Names of one word that a misspelt word may stand for."""


def build_name_index(lexicon: Lexicon, common_words: Set[str]) -> NameIndex:
    """Index every name of a lexicon.

    Args:
        lexicon: The names.
        common_words: Ordinary words, lower case; names among them, and the cases of Russian ones,
            become ``ordinary``.
    """
    names: dict[str, DrugName] = {}
    joined: dict[str, DrugName] = {}
    first_words: set[str] = set()
    openings: dict[str, int] = {}
    anchors: set[str] = set()
    spellable: list[str] = []
    cases: dict[str, DrugName] = {}
    ordinary = set(_ordinary_keys(lexicon, common_words))
    for each in lexicon.details:
        name = each.name
        if name.isalpha():  # three names in four, and most of the time that loading takes
            names.setdefault(name, each)
            if is_well_known(each) and name not in ordinary:
                spellable.append(name)
            if each.lang == "ru" and each.kind != "inflected":
                # The build left out cases that are other words' too: лирику is a poet's dative.
                cases.update((case, each) for case in _cases(name) if case not in lexicon.names)
            continue
        for pieces in _spellings(name):
            words = pieces[::2]
            key = "".join(pieces)
            if key != name and key in common_words:
                continue
            names.setdefault(key, each)
            if len(words) > 1:
                joined.setdefault("".join(words), each)
                first_words.add(words[0])
                opening = "".join(pieces[:3])
                openings[opening] = max(openings.get(opening, 0), len(words))
                anchors.add(_least_ordinary(words, common_words))
    names.update(cases)
    ordinary.update(cases)
    for key, each in joined.items():
        if len(key) >= MIN_JOINED and key not in common_words:
            names.setdefault(key, each)
    return NameIndex(
        names,
        frozenset(first_words),
        openings,
        frozenset(anchors),
        frozenset(ordinary),
        tuple(spellable),
    )


def key_of(word: str) -> str:
    """A word of a text as keys have it."""
    return word.removeprefix("#").casefold().replace("ё", "е")


@lru_cache(maxsize=4096)
def gap_key(gap: str) -> str:
    """What parts two words: spaces, dashes and an apostrophe are one; other marks are themselves.

    ``Effexor-XR`` is ``effexor xr``, but of ``lithium, carbonate`` no comma is left out.
    """
    marks = normalise_name(gap).replace("-", "").replace("'", "").replace(" ", "")
    return marks or " "


def _spellings(name: str) -> Iterator[list[str]]:
    """A name in pieces, a word and what parts it from the next in turn; then a laxer writing.

    None of a name that a bracket or another mark ends: without it ``more...`` would be ``more``.
    """
    if not (name[:1].isalnum() and name[-1:].isalnum()):
        return
    yield _pieces(name)
    if "'" in name or ". " in name:  # st. john's wort, written st johns wort
        yield _pieces(name.replace("'", "").replace(". ", " "))


def _pieces(name: str) -> list[str]:
    pieces = _PIECE.split(name)[1:-1]  # first and last: what stands before and after all words
    pieces[1::2] = map(gap_key, pieces[1::2])
    return pieces


def _least_ordinary(words: Sequence[str], common_words: Set[str]) -> str:
    rare = [word for word in words if word not in common_words and word.isalpha()]
    return max([word for word in rare if len(word) > 2] or words, key=len)


def _ordinary_keys(lexicon: Lexicon, common_words: Set[str]) -> Iterator[str]:
    for name in lexicon.names.keys() & common_words:
        for form in (name, *_cases(name)):
            yield from map("".join, _spellings(form))


def _cases(name: str) -> tuple[str, ...]:
    return bend_by_ending(name) if name.isalpha() and len(name) > 2 else ()


def is_well_known(name: DrugName) -> bool:
    """Not the open dictionary's synonyms: too obscure to be misspelt, near to too many words."""
    return name.kind != "synonym" or not name.source.startswith("drug-named-entity-recognition")
