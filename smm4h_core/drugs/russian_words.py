"""Whether a word stands in pymorphy3's dictionary of Russian, in whatever form.

The dictionary is OpenCorpora's (CC BY-SA 3.0). It is asked where it is installed, and no word of it
is carried along. Only its words are loaded, 10 MB in 50 ms; a whole analyser would be twice that in
half a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS_FILE = "words.dawg"


class RussianWords:
    """The words, as a container; safe to share between threads."""

    def __init__(self, words: Any) -> None:
        self._words = words
        # Texts and our keys write е where the dictionary has ё.
        self._variants = words.compile_replaces({"е": "ё"})

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and bool(self._words.similar_keys(word, self._variants))


def load_russian_words() -> RussianWords:
    """The words of the installed dictionary."""
    import pymorphy3_dicts_ru
    from pymorphy3.dawg import WordsDawg

    return RussianWords(WordsDawg().load(str(Path(pymorphy3_dicts_ru.get_path()) / WORDS_FILE)))
