"""Drugs in a post: every mention with its place in the post as received.

Names are sought word by word, the longest first. What a word can be (a name or the beginning of
some, a name inside it, a misspelling, nothing) depends on the word alone: it is worked out once and
remembered, so that most posts are done after one look at the set of words that are nothing.

User mentions (``@seroquel``), e-mail addresses and URLs name no drug: who writes them speaks of an
account or a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from smm4h_core.drugs.curation import word_list
from smm4h_core.drugs.folded import fold_text
from smm4h_core.drugs.glued import GluedNames
from smm4h_core.drugs.lexicon import COMMON_WORDS_FILE, Drug, DrugName, Lexicon, load_lexicon
from smm4h_core.drugs.misspellings import MIN_LETTERS, MisspellingIndex
from smm4h_core.drugs.name_index import WORD, NameIndex, build_name_index, gap_key, key_of
from smm4h_core.drugs.ordinary import load_ordinary_words
from smm4h_core.drugs.written_as_name import is_written_as_name
from smm4h_core.text.normalise import normalise
from smm4h_core.types import DrugMention, Lang, Span

SMALL_WORDS_FILE = "small_words.txt"
MAX_REMEMBERED = 65_536
"""Words that are remembered at a time; together about 10 MB."""
MAX_REMEMBERED_LENGTH = 64

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


class DrugFinder:
    """Finds the names of a lexicon in texts; safe to share between threads."""

    def __init__(
        self,
        drugs: dict[str, Drug],
        index: NameIndex,
        misspellings: MisspellingIndex,
        ordinary_words: Set[str],
    ) -> None:
        self._drugs = drugs
        self._index = index
        self._misspellings = misspellings
        self._ordinary_words = ordinary_words
        self._glued = GluedNames(
            index.names, index.ordinary, ordinary_words, word_list(SMALL_WORDS_FILE)
        )
        # Both only ever gain what follows from the word alone, so their state changes no answer.
        # A word that merely begins a name of several words stands in both.
        self._nothing: set[str] = set()
        self._something: dict[str, _Word] = {}

    def find(self, text: str, *, lang: Lang | None = None) -> tuple[DrugMention, ...]:
        """Every mention in order of appearance; none overlap.

        Args:
            text: The post as received.
            lang: Its language, where known. In an English post no Russian names are taken; a
                Russian one may use English names, as people write brands either way.

        Raises:
            ValueError: An unknown language.
        """
        if lang is not None and lang not in get_args(Lang):
            raise ValueError(
                f"expected lang to be one of {', '.join(get_args(Lang))}, got {lang!r}"
            )
        # Of emoji nothing is wanted here; URLs, user mentions and escapes become what is no name.
        post = normalise(text, lang="en", emoji="keep")
        folded = fold_text(post.text)
        if self._nothing.issuperset(WORD.findall(folded.text)):
            return ()
        mentions = []
        for start, end, name in self._search(folded.text, lang):
            if folded.text is not text:
                start, end = post.to_raw(*folded.to_raw(start, end))
            drug = self._drugs[name.drug]
            mentions.append(DrugMention(Span(start, end), text[start:end], drug.name, drug.smiles))
        return tuple(mentions)

    def _search(self, text: str, lang: Lang | None) -> Iterator[_Found]:
        done = 0
        for match in WORD.finditer(text):
            token = match[0]
            word = self._something.get(token)
            if word is None and (token in self._nothing or (word := self._judge(token)) is None):
                continue
            start, end = match.span()
            if start < done or _is_address(text, start, end):
                continue
            start += token.startswith("#")
            name, done = self._name_at(text, start, end, word, lang)
            if name is not None:
                yield start, done, name
                continue
            for first, last, inner in word.inside:
                if _is_wanted(inner, lang):
                    yield start + first, start + last, inner

    def _name_at(
        self, text: str, start: int, end: int, word: _Word, lang: Lang | None
    ) -> tuple[DrugName | None, int]:
        """The longest name that begins with the word at ``[start, end)``, and where it ends."""
        for key, last in reversed(self._longer_keys(text, end, word) if word.begins else ()):
            name = self._index.names.get(key)
            if name is not None and self._is_meant(name, key, text, start, last, lang):
                return name, last
        name = word.name
        if name is not None and self._is_meant(name, word.key, text, start, end, lang):
            return name, end
        return None, end

    def _longer_keys(self, text: str, end: int, word: _Word) -> list[tuple[str, int]]:
        """Keys of two words and more from a word on, each with its end, shortest first."""
        keys: list[tuple[str, int]] = []
        key, most = word.key, 2
        while len(keys) + 1 < most and (match := WORD.search(text, end)) is not None:
            key += gap_key(text[end : match.start()]) + key_of(match[0])
            end = match.end()
            if not keys:
                most = self._index.openings.get(key, 0)
            keys.append((key, end))
        return keys

    def _is_meant(
        self, name: DrugName, key: str, text: str, start: int, end: int, lang: Lang | None
    ) -> bool:
        return _is_wanted(name, lang) and (
            key not in self._index.ordinary or is_written_as_name(text, start, end)
        )

    def _judge(self, token: str) -> _Word | None:
        """What a token can be; None where it has to do with no name."""
        word = self._read(token)
        if len(token) <= MAX_REMEMBERED_LENGTH:
            if len(self._nothing) + len(self._something) >= MAX_REMEMBERED:
                self._nothing.clear()
                self._something.clear()
            if word is not None:
                self._something[token] = word
            if word is None or not (word.name or word.inside or word.key in self._index.anchors):
                self._nothing.add(token)  # the beginning alone of some name is none
        return word

    def _read(self, token: str) -> _Word | None:
        key = key_of(token)
        name = self._index.names.get(key)
        inside: tuple[_Found, ...] = ()
        if name is None and key not in self._ordinary_words:
            inside = self._glued.find(
                token.removeprefix("#"), key, is_hashtag=token.startswith("#")
            )
            if not inside and (meant := self._misspelt(key)) is not None:
                inside = ((0, len(token.removeprefix("#")), meant),)
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
        # A word as near to two drugs says neither.
        return names[near[0]] if len({names[each].drug for each in near}) == 1 else None


def build_finder(lexicon: Lexicon, common_words: Set[str] | None = None) -> DrugFinder:
    """A finder for the names of a lexicon.

    Args:
        lexicon: Names and drugs.
        common_words: Ordinary words in lower case, ``ё`` as ``е``. A name among them is taken only
            where it is written as a name (`is_written_as_name`), and none of them is taken for a
            misspelling. None for the packaged lists.
    """
    if common_words is None:
        common_words = word_list(COMMON_WORDS_FILE) | load_ordinary_words()
    index = build_name_index(lexicon, common_words)
    misspellings = MisspellingIndex(index.spellable)
    return DrugFinder(dict(lexicon.drugs), index, misspellings, common_words)


def load_finder(extra: Sequence[Path] = ()) -> DrugFinder:
    """The finder of the packaged lexicon, and of tables of the user's own (`load_lexicon`).

    A name of the user's that is an ordinary word counts where it is written as a name, too.

    Raises:
        DataError: a table that does not fit, by file and line.
    """
    import pyarrow as pa

    finder = build_finder(load_lexicon(extra))
    pa.default_memory_pool().release_unused()  # 30 MB that reading the tables took
    return finder


def _is_wanted(name: DrugName, lang: Lang | None) -> bool:
    return lang != "en" or name.lang != "ru"


def _is_address(text: str, start: int, end: int) -> bool:
    """Whether a word is the name of an account or the first half of an e-mail address."""
    return text[start - 1 : start] == "@" or (
        text[end : end + 1] == "@" and text[end + 1 : end + 2].isalnum()
    )
