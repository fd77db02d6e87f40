"""The one form in which names of drugs are kept, looked up and searched for."""

from __future__ import annotations

import re
import unicodedata

MARKS = re.compile("[®©™℠\u00ad\u200b-\u200f\u2060\ufe0e\ufe0f\ufeff]")
"""Trade marks and invisible characters; none of them tells one name from another."""
_DASHES = re.compile("\\s*[\u2010-\u2015\u2212\u2043\ufe58\ufe63\uff0d]\\s*|\\s+-\\s*|\\s*-\\s+")
_APOSTROPHES = re.compile("[\u2018\u2019\u02bc\u00b4`]")
_SPACES = re.compile(r"\s+")


def normalise_name(name: str) -> str:
    """A name case-folded, with plain dashes, apostrophes and single spaces, and ``ё`` as ``е``.

    The form is a fixed point: normalising it again changes nothing.
    """
    # One pass can open the way for another: ё, once it is е, takes up a breve that stood behind it.
    while (folded := _fold(name)) != name:
        name = folded
    return folded


def _fold(name: str) -> str:
    # NFKC would spell a trade mark out as letters, so marks go first. It also composes "й".
    folded = unicodedata.normalize("NFKC", MARKS.sub("", name)).casefold().replace("ё", "е")
    folded = _APOSTROPHES.sub("'", _DASHES.sub("-", folded))
    return _SPACES.sub(" ", folded).strip()
