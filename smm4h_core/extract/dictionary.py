"""Terms of lists found among a post's words, as a BIO tag a word.

The one function `TermMatcher.match` serves training, evaluation and serving: the lineage's code
tagged every word ``O`` at prediction, so that a network met other inputs than it was trained on.
Words are compared by their stems, what parts them as names of drugs have it (a dash is a space, a
comma is not); the longest term wins, from left to right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from smm4h_core.corpora.tsv import read_header, read_rows
from smm4h_core.drugs.curation import read_words
from smm4h_core.drugs.name_index import gap_key
from smm4h_core.drugs.names import normalise_name
from smm4h_core.errors import DataError
from smm4h_core.extract.stems import stem_word
from smm4h_core.extract.tags import BEGIN, INSIDE, Tags
from smm4h_core.extract.words import Stretch, find_words
from smm4h_core.sections import PACKAGED
from smm4h_core.types import Lang

MIN_JOINED = 8
"""Letters of a term of several words below which it is not sought with its spaces left out, as
hashtags have it (``#weightgain``): shorter ones are too often something else."""
MIN_TERM = 3
"""Letters of the shortest term: abbreviations of two letters are words of another sense."""
TERM_COLUMN = "term"


@dataclass(frozen=True, slots=True, eq=False)
class TermMatcher:
    """Terms by their words; build it with `build_term_matcher`."""

    keys: frozenset[str]
    """Terms as stems and what parts them."""
    longest: Mapping[str, int]
    """First stems of terms to the number of words of the longest such term."""

    def match(self, text: str, words: Sequence[Stretch]) -> Tags:
        """Tags ``(W,)`` of a normalised text's words."""
        tags = np.zeros(len(words), dtype=np.int64)
        stems = [stem_word(text[start:end]) for start, end in words]
        word = 0
        while word < len(words):
            found = self._longest_at(text, words, stems, word)
            if found:
                tags[word] = BEGIN
                tags[word + 1 : word + found] = INSIDE
            word += max(1, found)
        return tags

    def _longest_at(
        self, text: str, words: Sequence[Stretch], stems: Sequence[str], first: int
    ) -> int:
        """Words of the longest term that begins at a word; 0 where none does."""
        key, found = stems[first], 0
        most = min(self.longest.get(key, 0), len(words) - first)
        for count in range(1, most + 1):
            if count > 1:
                last = first + count - 1
                key += gap_key(text[words[last - 1][1] : words[last][0]]) + stems[last]
            if key in self.keys:
                found = count
        return found


def build_term_matcher(terms: Iterable[str]) -> TermMatcher:
    """A matcher of these terms; those of fewer than `MIN_TERM` letters are left out."""
    keys: set[str] = set()
    longest: dict[str, int] = {}

    def add(text: str, words: Sequence[Stretch]) -> None:
        stems = [stem_word(text[start:end]) for start, end in words]
        key = stems[0]
        for (_, before), (start, _), stem in zip(words, words[1:], stems[1:], strict=False):
            key += gap_key(text[before:start]) + stem
        keys.add(key)
        longest[stems[0]] = max(longest.get(stems[0], 0), len(stems))

    for term in terms:
        text = normalise_name(term)
        words = find_words(text)
        letters = "".join(text[start:end] for start, end in words)
        if len(letters) < MIN_TERM:
            continue
        add(text, words)
        if len(words) > 1 and len(letters) >= MIN_JOINED:
            add(letters, find_words(letters))
    return TermMatcher(frozenset(keys), longest)


def load_terms(lists: Sequence[str], langs: Iterable[Lang]) -> frozenset[str]:
    """The terms of all lists together; `PACKAGED` names ours in these languages, others are files.

    Raises:
        DataError: as `read_terms`.
    """
    terms: frozenset[str] = frozenset()
    for name in lists:
        if name == PACKAGED:
            terms = terms.union(*map(load_ade_terms, langs))
        else:
            terms |= read_terms(Path(name))
    return terms


def load_ade_terms(lang: Lang) -> frozenset[str]:
    """The packaged names of adverse effects in a language."""
    with as_file(files("smm4h_core.extract") / "data" / f"ade_terms_{lang}.txt") as path:
        return read_words(path)


def read_terms(path: Path) -> frozenset[str]:
    """Terms of a file: the column ``term`` of a table (``.tsv``, ``.parquet``), or one a line.

    A terminology that ``smm4h terminology build`` wrote is such a table; terms that are no longer
    current are left out. In a plain list (``.txt``) ``#`` begins a comment.

    Raises:
        DataError: there is no such file, it is none of these, it is not UTF-8, it has no such
            column, or no term.
    """
    if not path.is_file():
        raise DataError(f"{path}: expected a list of terms, got no such file")
    if path.suffix not in (".tsv", ".parquet", ".txt", ""):
        raise DataError(
            f"{path}: expected a .txt of a term a line, a .tsv with a column {TERM_COLUMN}, or the "
            f".parquet of `smm4h terminology build`; got {path.suffix}"
        )
    if path.suffix == ".parquet":
        terms = _read_term_column(path)
    elif path.suffix == ".tsv":
        columns = read_header(path)
        if TERM_COLUMN not in columns:
            raise DataError(f"{path}:1: expected a column {TERM_COLUMN}, got {', '.join(columns)}")
        terms = frozenset(row.cells[TERM_COLUMN] for row in read_rows(path, columns))
    else:
        try:
            terms = read_words(path)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}: expected UTF-8, got byte 0x{error.object[error.start]:02x}"
            ) from None
    if not terms:
        raise DataError(f"{path}: expected terms, got none")
    return terms


def _read_term_column(path: Path) -> frozenset[str]:
    import pyarrow as pa  # takes its time, and most lists are plain
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=[TERM_COLUMN, "current"])
        return frozenset(table.filter(table["current"])[TERM_COLUMN].to_pylist())
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DataError(f"{path}: expected a terminology's table: {error}") from None
