"""Whether a word that is ordinary too stands in a sentence as the name of a drug.

``sonata``, ``nix``, ``оки`` are brands and words. Such a word counts as the drug where a dose
follows it (``sonata 10 mg``), or where its capital letter has no other reason: it begins no
sentence, not every letter of it is large while its neighbours shout too, and no capital beside it
makes it part of a title or of somebody's name (``Moonlight Sonata``, ``Iron Man``).
"""

from __future__ import annotations

import re

_DOSE = re.compile(
    r"[\s-]*\d+(?:[.,]\d+)?[\s-]*(?:mg|mcg|ug|µg|g|gm|ml|iu|units?|мг|мкг|г|мл|ме|ед)\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"(\w+)(\W+)\Z")
_AFTER = re.compile(r"(\W+)(\w+)")
_SENTENCE_ENDS = frozenset(".!?…:\n")
_APART = _SENTENCE_ENDS | frozenset(",;/+&()")
"""What stands between sentences or the items of a list; a capital beyond it is another's."""
_WINDOW = 40
"""Characters to either side that are looked at: the neighbour and what parts it from the word."""
_CAPITAL_ANYWAY = frozenset(("I", "Я"))


def is_written_as_name(text: str, start: int, end: int) -> bool:
    """Whether the ordinary word at ``[start, end)`` is meant as a name; see above."""
    if _DOSE.match(text, end, end + _WINDOW):
        return True
    if not text[start].isupper():
        return False
    before = _BEFORE.search(text[max(0, start - _WINDOW) : start])
    if before is None or not _SENTENCE_ENDS.isdisjoint(before[2]):
        return False
    after = _AFTER.match(text, end, end + _WINDOW)
    return not (
        _is_capital_beside(before[1], before[2])
        or (after is not None and _is_capital_beside(after[2], after[1]))
    )


def _is_capital_beside(word: str, between: str) -> bool:
    return word[0].isupper() and word not in _CAPITAL_ANYWAY and _APART.isdisjoint(between)
