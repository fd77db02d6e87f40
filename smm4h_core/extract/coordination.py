"""Mentions that share a head in a coordination, taken apart by rule.

"pain in arms and legs" is two effects of which the second is discontinuous: "pain in arms" and
"pain in ... legs". A tagger of contiguous words finds the whole; this cuts it. Three patterns, in
English and Russian, each with one or more conjuncts of one or two words:

1. a head, a preposition, conjuncts: "pain in my arms and legs", "боль в руках и ногах";
2. single conjuncts before one last word: "hot and cold flashes", "головная и зубная боль";
3. one head, single conjuncts: "swollen feet and hands", "сухость глаз и кожи".

A mention in which a conjunct is an effect by itself ("pain in arms and nausea") is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smm4h_core.extract.dictionary import TermMatcher
from smm4h_core.extract.words import Stretch, find_words
from smm4h_core.types import Mention, Span

CONJUNCTIONS = frozenset({"and", "or", "nor", "и", "или", "либо"})
PREPOSITIONS = frozenset(
    {
        *("in", "of", "on", "at", "from", "around", "behind", "under", "with", "to", "for"),
        *("в", "во", "на", "с", "со", "от", "из", "за", "под", "около", "вокруг", "у", "к"),
    }
)
DETERMINERS = frozenset(
    {
        *("my", "the", "his", "her", "their", "our", "your", "both", "a", "an"),
        *("моих", "моей", "моем", "его", "ее", "их", "обеих", "обоих"),
    }
)
SIGNS = frozenset({",", "/", "&", "+"})
"""What may part conjuncts instead of a conjunction, alone between two words."""
MOST_CONJUNCT_WORDS = 2

_Words = tuple[int, int]
"""``[first, last)`` words."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """A mention's words by their part in a coordination."""

    before: _Words
    """What all conjuncts share before them; may be empty."""
    conjuncts: tuple[_Words, ...]
    """At least two."""
    after: _Words
    """What they share after them; may be empty."""


def split_coordination(
    mention: Mention, text: str, terms: TermMatcher | None = None
) -> tuple[Mention, ...]:
    """The effects of a coordination in order, those that are not contiguous with their fragments.

    Args:
        mention: Contiguous; any other is returned as it is.
        text: The post as received.
        terms: Effects by themselves; None knows none, and takes more apart.
    """
    if mention.fragments:
        return (mention,)
    start, end = mention.span.start, mention.span.end
    quoted = text[start:end]
    words = find_words(quoted)
    shared = _find_shared(quoted, words)
    if shared is None or (terms is not None and _names_effects(quoted, words, shared, terms)):
        return (mention,)
    found = []
    for conjunct in shared.conjuncts:
        parts = _join(
            [part for part in (shared.before, conjunct, shared.after) if part[0] < part[1]]
        )
        spans = tuple(
            Span(start + words[first][0], start + words[last - 1][1]) for first, last in parts
        )
        found.append(
            Mention(
                Span(spans[0].start, spans[-1].end),
                " ".join(text[span.start : span.end] for span in spans),
                mention.type,
                fragments=spans,
            )
        )
    return tuple(found)


def _find_shared(text: str, words: Sequence[Stretch]) -> _Shared | None:
    tokens = [text[start:end].casefold().replace("ё", "е") for start, end in words]
    runs = _runs(text, words, tokens)
    if len(runs) < 2:
        return None
    (first, first_end), (last, last_end) = runs[0], runs[-1]
    middle = runs[1:-1]
    prepositions = [i for i in range(first + 1, first_end) if tokens[i] in PREPOSITIONS]
    if prepositions:
        opening = prepositions[-1]
        # "pain in arms and in legs" repeats the preposition, so only what is before it is shared.
        if all(tokens[begins] == tokens[opening] for begins, _ in runs[1:]):
            head, conjunct = opening, opening
            sizes = [ends - begins - 1 for begins, ends in ((opening, first_end), *runs[1:])]
        else:
            head = opening + 1
            while head < first_end and tokens[head] in DETERMINERS:
                head += 1
            conjunct = head
            sizes = [ends - begins for begins, ends in ((conjunct, first_end), *runs[1:])]
            if any(
                tokens[i] in PREPOSITIONS for begins, ends in runs[1:] for i in range(begins, ends)
            ):
                return None
        if not all(1 <= size <= MOST_CONJUNCT_WORDS for size in sizes):
            return None
        return _Shared((first, head), ((conjunct, first_end), *runs[1:]), (last_end, last_end))
    if any(token in PREPOSITIONS for token in tokens) or any(e - b != 1 for b, e in middle):
        return None
    sizes_at_ends = (first_end - first, last_end - last)
    if sizes_at_ends == (1, 2):
        conjuncts = ((first, first_end), *middle, (last, last + 1))
        return _Shared((first, first), conjuncts, (last + 1, last_end))
    if sizes_at_ends == (2, 1):
        conjuncts = ((first + 1, first_end), *middle, (last, last_end))
        return _Shared((first, first + 1), conjuncts, (last_end, last_end))
    return None


def _runs(text: str, words: Sequence[Stretch], tokens: Sequence[str]) -> list[_Words]:
    """The words between conjunctions and signs; none where the coordination is not a plain one."""
    runs: list[_Words] = []
    first = 0
    for index, token in enumerate(tokens):
        sign = text[words[index - 1][1] : words[index][0]].strip() if index else ""
        if sign not in SIGNS | {"", "-"}:
            return []
        if token in CONJUNCTIONS or sign in SIGNS:
            if first < index:
                runs.append((first, index))
            first = index + (token in CONJUNCTIONS)
    if first == len(tokens):
        return []
    runs.append((first, len(tokens)))
    return runs


def _names_effects(
    text: str, words: Sequence[Stretch], shared: _Shared, terms: TermMatcher
) -> bool:
    """Whether a conjunct that does not touch the shared words holds an effect by itself."""
    apart = shared.conjuncts[1:] if shared.before[0] < shared.before[1] else shared.conjuncts[:-1]
    return any(terms.match(text, words[first:last]).any() for first, last in apart)


def _join(parts: Sequence[_Words]) -> list[_Words]:
    joined: list[_Words] = []
    for part in parts:
        if joined and joined[-1][1] == part[0]:
            joined[-1] = (joined[-1][0], part[1])
        else:
            joined.append(part)
    return joined
