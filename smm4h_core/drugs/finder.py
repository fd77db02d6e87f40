"""Drugs in a post: every mention with its place in the post as received.

Names are sought word by word, the longest first. What a word can be (a name or the beginning of
some, a name inside it, a misspelling, nothing) depends on the word alone: it is worked out once and
remembered, so that most posts are done after one look at the set of words that are nothing.

User mentions (``@seroquel``), e-mail addresses and URLs name no drug: who writes them speaks of an
account or a page.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from smm4h_core.drugs.curation import language_of, word_list
from smm4h_core.drugs.folded import fold_text
from smm4h_core.drugs.glued import GluedNames
from smm4h_core.drugs.lexicon import COMMON_WORDS_FILE, Drug, DrugName, Lexicon, load_lexicon
from smm4h_core.drugs.misspellings import MIN_LETTERS, MisspellingIndex
from smm4h_core.drugs.name_index import WORD, NameIndex, build_name_index, gap_key, key_of
from smm4h_core.drugs.ordinary import load_ordinary_words
from smm4h_core.drugs.russian_words import load_russian_words
from smm4h_core.drugs.written_as_name import is_written_as_name
from smm4h_core.memory import give_back_memory
from smm4h_core.text.normalise import normalise
from smm4h_core.types import DrugMention, Lang, Span

SMALL_WORDS_FILE = "small_words.txt"
MAX_REMEMBERED = 65_536
"""Words that are remembered at a time; together about 10 MB."""
MAX_REMEMBERED_LENGTH = 64

_LANGS = get_args(Lang)
_Found = tuple[int, int, DrugName]


@dataclass(frozen=True, slots=True)
class _Word:
    """What a word of a text can be."""

    key: str
    """The word as keys have it."""
    name: DrugName | None
    """The name that it is by itself."""
    begins: bool
    """Whether a name of several words begins with it."""
    inside: tuple[_Found, ...]
    """Names that it holds, or the one that it misspells, if it is none."""


@dataclass(frozen=True, slots=True)
class _Memory:
    """Words judged so far; when they are too many, a new memory takes this one's place.

    Both parts only ever gain what follows from the word alone, so their state changes no answer.
    """

    nothing: set[str]
    """Words of which a text may consist and name no drug. One that merely begins some name of
    several words stands here and, before that, in ``something``: ask here first."""
    something: dict[str, _Word] = field(default_factory=dict)
    """What the others can be."""


class DrugFinder:
    """Finds the names of a lexicon in texts; safe to share between threads."""

    def __init__(
        self,
        drugs: dict[str, Drug],
        index: NameIndex,
        misspellings: MisspellingIndex,
        ordinary_words: Set[str],
        russian_words: Container[str],
    ) -> None:
        self._drugs = drugs
        self._index = index
        self._misspellings = misspellings
        self._ordinary_words = ordinary_words
        self._russian_words = russian_words
        self._glued = GluedNames(
            index.names, index.ordinary, ordinary_words, word_list(SMALL_WORDS_FILE)
        )
        self._memory = self._begin_memory()
        self._num_plain = len(self._memory.nothing)

    def find(self, text: str, *, lang: Lang | None = None) -> tuple[DrugMention, ...]:
        """Every mention in order of appearance; none overlap.

        Args:
            text: The post as received.
            lang: Its language, where known. In an English post no Russian names are taken; a
                Russian one may use English names, as people write brands either way.

        Raises:
            ValueError: An unknown language.
        """
        if lang is not None and lang not in _LANGS:
            raise ValueError(f"expected lang to be one of {', '.join(_LANGS)}, got {lang!r}")
        # Of emoji nothing is wanted here; URLs, user mentions and escapes become what is no name.
        post = normalise(text, lang="en", emoji="keep")
        folded = fold_text(post.text)
        tokens = WORD.findall(folded.text)
        words = self._words_of(tokens)
        if not words:
            return ()
        mentions = []
        for start, end, name in self._search(folded.text, words, lang):
            if folded.text is not text:
                start, end = post.to_raw(*folded.to_raw(start, end))
            drug = self._drugs[name.drug]
            mentions.append(DrugMention(Span(start, end), text[start:end], drug.name, drug.smiles))
        return tuple(mentions)

    def _words_of(self, tokens: Sequence[str]) -> list[tuple[int, _Word]]:
        """The words with which names may begin, each with its place among the tokens.

        None where no token is more than nothing or the mere beginning of a name.
        """
        nothing, something = self._memory.nothing, self._memory.something
        if nothing.issuperset(tokens):
            return []
        unremembered: dict[str, _Word] = {}
        for token in set(tokens) - nothing:
            if token not in something:
                word = self._judge(token)
                if word is not None and token not in something:
                    unremembered[token] = word
        if nothing.issuperset(tokens):
            return []
        known = {**something, **unremembered} if unremembered else something
        return [(place, known[token]) for place, token in enumerate(tokens) if token in known]

    def _search(
        self, text: str, words: Sequence[tuple[int, _Word]], lang: Lang | None
    ) -> Iterator[_Found]:
        matches = list(WORD.finditer(text))
        has_addresses = "@" in text
        done = 0
        for place, word in words:
            start, end = matches[place].span()
            if start < done or (has_addresses and _is_address(text, start, end)):
                continue
            start += text[start] == "#"
            name, done = self._name_at(text, matches, place, word, lang)
            if name is not None:
                yield start, done, name
                continue
            for first, last, inner in word.inside:
                if _is_wanted(inner, lang):
                    yield start + first, start + last, inner

    def _name_at(
        self,
        text: str,
        matches: Sequence[re.Match[str]],
        place: int,
        word: _Word,
        lang: Lang | None,
    ) -> tuple[DrugName | None, int]:
        """The longest name that begins with the word at a place, and where it ends."""
        start, end = matches[place].span()
        start += text[start] == "#"
        for key, last in reversed(self._longer_keys(text, matches, place, word)):
            name = self._index.names.get(key)
            if name is not None and self._is_meant(name, key, text, start, last, lang):
                return name, last
        name = word.name
        if name is not None and self._is_meant(name, word.key, text, start, end, lang):
            return name, end
        return None, end

    def _longer_keys(
        self, text: str, matches: Sequence[re.Match[str]], place: int, word: _Word
    ) -> list[tuple[str, int]]:
        """Keys of two words and more from a word on, each with its end, shortest first."""
        keys: list[tuple[str, int]] = []
        if not word.begins:
            return keys
        key, most, end = word.key, 2, matches[place].end()
        while len(keys) + 1 < most and (place := place + 1) < len(matches):
            start, last = matches[place].span()
            key += gap_key(text[end:start]) + key_of(matches[place][0])
            if not keys and (most := self._index.openings.get(key, 0)) == 0:
                break
            keys.append((key, last))
            end = last
        return keys

    def _is_meant(
        self, name: DrugName, key: str, text: str, start: int, end: int, lang: Lang | None
    ) -> bool:
        return _is_wanted(name, lang) and (
            key not in self._index.ordinary or is_written_as_name(text, start, end)
        )

    def _begin_memory(self) -> _Memory:
        """A memory that knows ordinary words to be nothing, as `_read` would say of each."""
        index = self._index
        plain = set(self._ordinary_words)
        plain.difference_update(index.names, index.first_words, index.anchors)
        return _Memory(plain)

    def _judge(self, token: str) -> _Word | None:
        """What a token can be; None where it has to do with no name."""
        word = self._read(token)
        if len(token) <= MAX_REMEMBERED_LENGTH:
            memory = self._memory
            num_remembered = len(memory.nothing) + len(memory.something) - self._num_plain
            if num_remembered >= MAX_REMEMBERED:
                self._memory = memory = self._begin_memory()
            if word is not None:
                memory.something[token] = word
            if word is None or self._only_begins(word):
                memory.nothing.add(token)  # the beginning alone of some name is none
        return word

    def _only_begins(self, word: _Word) -> bool:
        return not (word.name or word.inside or word.key in self._index.anchors)

    def _read(self, token: str) -> _Word | None:
        key = key_of(token)
        name = self._index.names.get(key)
        inside: tuple[_Found, ...] = ()
        if name is None and key not in self._ordinary_words:
            word = token.removeprefix("#")
            inside = self._glued.find(word, key, is_hashtag=word != token)
            if not inside and (meant := self._misspelt(key)) is not None:
                inside = ((0, len(word), meant),)
            # Asked last: it takes longer than all else, and few words come so far.
            if inside and language_of(key) == "ru" and key in self._russian_words:
                inside = ()
        begins = key in self._index.first_words
        if name or inside or begins or key in self._index.anchors:
            return _Word(key, name, begins, inside)
        return None

    def _misspelt(self, key: str) -> DrugName | None:
        names = self._index.names
        single = key[:-1] if len(key) >= MIN_LETTERS and key[-1] == "s" else key
        if single in names and single not in self._index.ordinary:
            return names[single]
        near = self._misspellings.nearest(key)
        if not near or len({names[each].drug for each in near}) > 1:
            return None  # a word as near to two drugs says neither
        return names[near[0]]


def build_finder(lexicon: Lexicon, common_words: Set[str] | None = None) -> DrugFinder:
    """A finder for the names of a lexicon.

    Args:
        lexicon: Names and drugs.
        common_words: Ordinary words in lower case, ``ё`` as ``е``. A name among them is taken only
            where it is written as a name (`is_written_as_name`), and none of them is taken for a
            misspelling. None for the packaged lists and every word of pymorphy3's dictionary.
    """
    russian_words: Container[str] = ()
    if common_words is None:
        common_words = word_list(COMMON_WORDS_FILE) | load_ordinary_words()
        russian_words = load_russian_words()
    index = build_name_index(lexicon, common_words)
    misspellings = MisspellingIndex(index.spellable)
    return DrugFinder(dict(lexicon.drugs), index, misspellings, common_words, russian_words)


def load_finder(extra: Sequence[Path] = ()) -> DrugFinder:
    """The finder of the packaged lexicon, and of tables of the user's own (`load_lexicon`).

    A name of the user's that is an ordinary word counts where it is written as a name, too.

    Raises:
        DataError: a table that does not fit, by file and line.
    """
    finder = build_finder(load_lexicon(extra))
    _give_memory_back()
    return finder


def _give_memory_back() -> None:
    """What reading the tables took: some 40 MB, between Arrow's pool and the C library's."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    give_back_memory()


def _is_wanted(name: DrugName, lang: Lang | None) -> bool:
    return lang != "en" or name.lang != "ru"


def _is_address(text: str, start: int, end: int) -> bool:
    """Whether a word is the name of an account or the first half of an e-mail address."""
    return text[start - 1 : start] == "@" or (
        text[end : end + 1] == "@" and text[end + 1 : end + 2].isalnum()
    )
