"""Texts in which it is known of which drug each effect is said.

Our own posts, in ``data/drug_pairs.tsv``: ``[a:seroquel]`` names drug *a* and ``{a:dry mouth}`` is
said of it; ``{ab:…}`` of two, ``{:…}`` of none. They are synthetic, and the hand that wrote them
wrote the rule. And ADE-Corpus-V2's own relations, ``DRUG-AE.rel`` (Gurulingappa et al. 2012, J.
Biomed. Inform. 45), which the reader takes as it is published.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from smm4h_core.corpora.ade_corpus import read_relations
from smm4h_core.corpora.tsv import read_rows
from smm4h_core.drugs.finder import DrugFinder
from smm4h_core.errors import DataError
from smm4h_core.types import DrugMention, Lang, Span

OWN_POSTS = Path(__file__).parent / "data" / "drug_pairs.tsv"
Split = Literal["fit", "held_out"]
_MARK = re.compile(r"\[(\w):([^\]]+)\]|\{(\w*):([^}]+)\}")


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
    """Sentences of ``DRUG-AE.rel``, each once, with all of its pairs.

    The file names only drugs that have an effect; the finder adds the others.

    Raises:
        DataError: a line of another form, or that quotes what its sentence does not hold.
    """
    by_sentence: dict[tuple[str, str], list[tuple[Span, Span]]] = {}
    for each in read_relations(path):
        pairs = by_sentence.setdefault((each.pmid, each.sentence), [])
        pairs.append((each.effect, each.drug))
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


def _join_drugs(text: str, finder: DrugFinder, quoted: list[Span]) -> tuple[DrugMention, ...]:
    """What the finder finds, and what the file names beside it."""
    drugs = list(finder.find(text, lang="en"))
    for span in quoted:
        if not any(drug.span.overlaps(span) for drug in drugs):
            words = text[span.start : span.end]
            drugs.append(DrugMention(span, words, words.casefold(), None))
    return tuple(sorted(drugs, key=lambda drug: drug.span))
