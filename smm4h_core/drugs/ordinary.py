"""Words that are no drug's name: nothing is taken for a misspelling of a name if it is one.

The list is built by ``python -m smm4h_core.drugs.build_words``, which says where it comes from.
"""

from __future__ import annotations

from importlib.resources import as_file
from pathlib import Path

from smm4h_core.drugs.curation import data_folder

ORDINARY_WORDS_FILE = "ordinary_words.parquet"
COLUMN = "word"


def load_ordinary_words() -> frozenset[str]:
    """English and Russian words in lower case, ``ё`` as ``е``; none of them a packaged name."""
    with as_file(data_folder() / ORDINARY_WORDS_FILE) as path:
        return read_ordinary_words(path)


def read_ordinary_words(path: Path) -> frozenset[str]:
    """Read a list that `build_words` wrote."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        table = file.read([COLUMN], use_threads=False)
    return frozenset(table[COLUMN].to_pylist())
