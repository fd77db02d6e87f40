"""Which language a post is in, where its source does not say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from smm4h_core.types import Lang


def detect_language(text: str, languages: Sequence[Lang]) -> Lang:
    """The likeliest of some languages, by py3langid's naive Bayes over pieces of words.

    A text without a letter tells nothing: it gets whichever comes first by the model.

    Args:
        text: Any text, of any length.
        languages: Those to choose from, at least one.
    """
    lang, _ = _identifier(tuple(languages)).classify(text)
    return cast("Lang", lang)


@cache
def _identifier(languages: tuple[Lang, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # a second to load its model

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(languages)
    return identifier
