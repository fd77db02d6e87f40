"""Texts in which it is known of which drug each effect is said.

Our own posts, in ``data/drug_pairs.tsv``: ``[a:seroquel]`` names drug *a* and ``{a:dry mouth}`` is
said of it; ``{ab:…}`` of two, ``{:…}`` of none. They are synthetic, and the hand that wrote them
wrote the rule. And ADE-Corpus-V2's own relations, ``DRUG-AE.rel`` (Gurulingappa et al. 2012, J.
Biomed. Inform. 45), which the reader takes as it is published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from smm4h_core.corpora.plain_text import require_file
from smm4h_core.corpora.tsv import read_rows
from smm4h_core.drugs.finder import DrugFinder
from smm4h_core.errors import DataError
from smm4h_core.types import DrugMention, Lang, Span

OWN_POSTS = Path(__file__).parent / "data" / "drug_pairs.tsv"
Split = Literal["fit", "held_out"]
_MARK = re.compile(r"\[(\w):([^\]]+)\]|\{(\w*):([^}]+)\}")
_REL_CELLS = 8


@dataclass(frozen=True, slots=True)
class PairedText:
    """A text with its drugs, its effects, and which is said of which."""

    text_id: str
    """Its post or sentence; no two have one."""
    group: str
    """What it was taken from."""
    lang: Lang
    """Its language."""
    text: str
    """The text."""
    drugs: tuple[DrugMention, ...]
    """Every naming of a drug, in order."""
    effects: tuple[tuple[Span, frozenset[str]], ...]
    """Where each effect stands, and the names of its drugs."""

    @property
    def has_several(self) -> bool:
        """Whether it names two drugs or more."""
        return len({drug.name for drug in self.drugs}) > 1


def read_own_posts(split: Split, path: Path = OWN_POSTS) -> list[PairedText]:
    """Our own posts of a split, whose drugs are named by their letters.

    Raises:
        DataError: a post without a drug or an effect, or an effect of a drug that it does not name.
    """
    return [
        _read_marked(row.cells, f"{path}:{row.line}")
        for row in read_rows(path, ("post_id", "lang", "tone", "split", "post"))
        if row.cells["split"] == split
    ]


def _read_marked(cells: dict[str, str], place: str) -> PairedText:
    text, done = "", 0
    drugs: list[DrugMention] = []
    effects: list[tuple[Span, frozenset[str]]] = []
    for match in _MARK.finditer(cells["post"]):
        letter, drug, letters, effect = match.groups()
        text += cells["post"][done : match.start()]
        quoted = drug or effect
        span = Span(len(text), len(text) + len(quoted))
        if drug:
            drugs.append(DrugMention(span, drug, letter, None))
        else:
            effects.append((span, frozenset(letters)))
        text, done = text + quoted, match.end()
    named = {drug.name for drug in drugs}
    if not (named and effects and all(of <= named for _, of in effects)):
        raise DataError(f"{place}: expected drugs, and effects of them, got {cells['post']!r:.80}")
    text += cells["post"][done:]
    lang = cast("Lang", cells["lang"])
    post_id = cells["post_id"]
    return PairedText(post_id, post_id, lang, text, tuple(drugs), tuple(effects))


def read_drug_ae(path: Path, finder: DrugFinder) -> list[PairedText]:
    """Sentences of ``DRUG-AE.rel``: ``pmid|sentence|effect|start|end|drug|start|end`` a line.

    A sentence stands once for each of its pairs. Its offsets are those of the whole abstract: they
    say how far a drug stands from its effect, and so which naming is meant where one repeats. The
    file names only drugs that have an effect; the finder adds the others.

    Raises:
        DataError: a line of another form, or that quotes what its sentence does not hold.
    """
    by_sentence: dict[tuple[str, str], list[tuple[Span, Span]]] = {}
    for pmid, sentence, effect, drug in _read_relations(path):
        by_sentence.setdefault((pmid, sentence), []).append((effect, drug))
    texts = []
    for number, ((pmid, sentence), pairs) in enumerate(by_sentence.items(), start=1):
        drugs = _join_drugs(sentence, finder, [drug for _, drug in pairs])
        of: dict[Span, set[str]] = {}
        for effect, quoted in pairs:
            names = (drug.name for drug in drugs if drug.span.overlaps(quoted))
            of.setdefault(effect, set()).update(names)
        effects = tuple((span, frozenset(names)) for span, names in sorted(of.items()))
        texts.append(PairedText(f"{pmid}-{number}", pmid, "en", sentence, drugs, effects))
    return texts


def _read_relations(path: Path) -> Iterator[tuple[str, str, Span, Span]]:
    require_file(path)
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            place = f"{path}:{number}"
            cells = line.rstrip("\r\n").split("|")
            offsets = (*cells[3:5], *cells[6:8])
            if len(cells) != _REL_CELLS or not all(each.isdecimal() for each in offsets):
                raise DataError(
                    f"{place}: expected pmid|sentence|effect|start|end|drug|start|end, "
                    f"got {line.strip()!r:.80}"
                )
            pmid, sentence, effect, drug = cells[0], cells[1], cells[2], cells[5]
            apart = int(cells[6]) - int(cells[3])
            found = [
                (abs(second.start - first.start - apart), first, second)
                for first in _occurrences(effect, sentence)
                for second in _occurrences(drug, sentence)
            ]
            if not found:
                raise DataError(f"{place}: expected {effect!r} and {drug!r} in its sentence")
            _, first, second = min(found)
            yield pmid, sentence, first, second


def _occurrences(quoted: str, text: str) -> list[Span]:
    return [Span(*match.span()) for match in re.finditer(re.escape(quoted), text)] if quoted else []


def _join_drugs(text: str, finder: DrugFinder, quoted: list[Span]) -> tuple[DrugMention, ...]:
    """What the finder finds, and what the file names beside it."""
    drugs = list(finder.find(text, lang="en"))
    for span in quoted:
        if not any(drug.span.overlaps(span) for drug in drugs):
            words = text[span.start : span.end]
            drugs.append(DrugMention(span, words, words.casefold(), None))
    return tuple(sorted(drugs, key=lambda drug: drug.span))
