"""A text in the letters that names of drugs are kept in, with the way back; case stays."""

from __future__ import annotations

import re
import unicodedata

from smm4h_core.drugs.names import MARKS
from smm4h_core.text.normalise import Normalised

_COMBINING = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
# What folds together: a letter with the accents on it, or one character that may fold alone.
_CLUSTER = re.compile(
    rf"[^\s{_COMBINING}](?:{MARKS.pattern}*[{_COMBINING}])+|[^\x00-\x7f\u0400-\u045f]"
)


def fold_text(text: str) -> Normalised:
    """Trade marks and invisible characters dropped, the rest in compatibility form (NFKC).

    What `normalise_name` does beyond this keeps the length: it can wait for the single word.
    """
    if text.isascii() or (unicodedata.is_normalized("NFKC", text) and MARKS.search(text) is None):
        return Normalised(text, text)
    pieces: list[str] = []
    replaced: list[tuple[int, int]] = []
    replacements: list[tuple[int, int]] = []
    done = length = 0
    for match in _CLUSTER.finditer(text):
        raw = match[0]
        folded = unicodedata.normalize("NFKC", MARKS.sub("", raw))
        if folded == raw:
            continue
        start, end = match.span()
        pieces += (text[done:start], folded)
        length += start - done
        replaced.append((start, end))
        replacements.append((length, length + len(folded)))
        length += len(folded)
        done = end
    pieces.append(text[done:])
    return Normalised("".join(pieces), text, tuple(replaced), tuple(replacements))
