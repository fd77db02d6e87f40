"""Which language a post is in, where its source does not say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from smm4h_core.types import Lang

_LETTERS: Mapping[Lang, re.Pattern[str]] = {
    "en": re.compile("[A-Za-z]"),
    "ru": re.compile("[А-Яа-яЁё]"),
}


def detect_language(text: str, languages: Sequence[Lang]) -> Lang:
    """The likeliest of some languages: by its letters where one alone has them, else by py3langid.

    Its naive Bayes over pieces of words decides on texts that mix scripts. A text without a letter
    tells nothing: it gets whichever comes first by the model.

    Args:
        text: Any text, of any length.
        languages: Those to choose from, at least one.
    """
    written = [lang for lang in languages if _LETTERS[lang].search(text)]
    if len(written) == 1:
        return written[0]
    lang, _ = _identifier(tuple(languages)).classify(text)
    return cast("Lang", lang)


@cache
def _identifier(languages: tuple[Lang, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # a third of a second to load

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(languages)
    return identifier
