"""What somebody may have meant by a name that the lexicon does not know."""

from __future__ import annotations

from difflib import SequenceMatcher

from smm4h_core.drugs.lexicon import Lexicon
from smm4h_core.drugs.names import normalise_name

MIN_RATIO = 0.75
"""Less alike than this, a suggestion puzzles more than it helps."""


def suggest_names(name: str, lexicon: Lexicon, *, num_names: int = 3) -> tuple[str, ...]:
    """Known names most like an unknown one, best first; of one drug the best alone.

    Names that begin with another letter are not looked at: spelling rarely fails there, and the
    search takes a tenth of a second instead of several.
    """
    wanted = normalise_name(name)
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    found: list[tuple[float, str]] = []
    for known in lexicon.names:
        if known[:1] != wanted[:1]:
            continue
        matcher.set_seq1(known)
        if matcher.real_quick_ratio() >= MIN_RATIO and matcher.quick_ratio() >= MIN_RATIO:
            found.append((matcher.ratio(), known))
    best: dict[str, str] = {}
    for ratio, known in sorted(found, key=lambda each: (-each[0], each[1])):
        if ratio >= MIN_RATIO:
            best.setdefault(lexicon.names[known], known)
    return tuple(best.values())[:num_names]
