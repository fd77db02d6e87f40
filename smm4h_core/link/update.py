"""A linker meets another release of its terminology: new terms are encoded, gone ones removed.

Nothing is trained again. The rule's cuts stay those of the development data that they were chosen
on; many new terms can want new ones.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from smm4h_core.drugs.names import normalise_name
from smm4h_core.encoders.precision import choose_dtype
from smm4h_core.errors import DataError
from smm4h_core.link.contrast import Anchor
from smm4h_core.link.gold import terms_to_find
from smm4h_core.link.index import TermIndex, load_term_index, save_term_index
from smm4h_core.link.part import INDEX, TERMINOLOGY, LinkerPart, index_folder
from smm4h_core.link.similarity import Vectors, encode_texts
from smm4h_core.link.terminology import Term, Terminology, save_terminology
from smm4h_core.storage import open_storage


@dataclass(frozen=True, slots=True)
class TermChange:
    """What became of an index."""

    num_added: int
    """Terms that went in."""
    num_removed: int
    """Terms that went out."""
    num_encoded: int
    """Strings whose vector was made: those that no term of the index had."""


def update_terminology(
    part: LinkerPart,
    terminology: Terminology,
    *,
    source: Path,
    target: Path,
    device: torch.device,
) -> TermChange:
    """Write a linker that knows another release of its terminology.

    What training's mentions added stays, by its concept's code in the new release. A string that
    they claimed for their concept stays claimed; one that they share with a term of that very
    concept claims nothing that comes new.

    Args:
        part: The linker as it was loaded, its networks on ``device``.
        terminology: The release; of the same name.
        source: The folder that the linker was loaded from.
        target: A new folder.
        device: Where new terms are encoded.

    Returns:
        What changed, in each member's index alike.

    Raises:
        DataError: a terminology of another name, or one that has lost a concept that the linker
            learnt: releases keep their codes, if only as withdrawn.
    """
    old = part.linker.terminology
    if terminology.name != old.name:
        raise DataError(f"expected another version of {old.label}, got {terminology.label}")
    for code in sorted(part.seen):
        terminology.concept(code)
    terms = terms_to_find(terminology, tuple(_anchors(part, terminology)))
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(INDEX, TERMINOLOGY))
    save_terminology(terminology, target / TERMINOLOGY)
    linker, config = part.linker, part.config
    for seed, member in zip(config.ensemble.seeds, linker.similarity, strict=True):
        index = load_term_index(source / index_folder(seed), memory_mapped=False)
        encode = partial(
            encode_texts,
            member.network,
            linker.tokeniser,
            max_length=linker.max_length,
            device=device,
            dtype=choose_dtype(linker.precision, device),
        )
        change = change_terms(index, terms, encode)
        save_term_index(index, open_storage(str(target / index_folder(seed))))
    return change


def change_terms(
    index: TermIndex, terms: Sequence[Term], encode: Callable[[Sequence[str]], Vectors]
) -> TermChange:
    """Make these the terms of an index; no string that it holds is encoded again.

    Args:
        index: Writable; its answers are then those of one built of ``terms``.
        terms: Every term that it shall hold.
        encode: Makes the vectors ``(N, H)`` of strings, by the network that made the index's.

    Raises:
        DataError: no terms, or an index that is mapped from its file.
    """
    if not terms:
        raise DataError("index: expected terms, got none")
    held: dict[tuple[str, str], list[int]] = {}
    vector_at: dict[str, int] = {}
    for number, entry in enumerate(index.entries):
        if entry is not None:
            held.setdefault(entry, []).append(number)
            vector_at.setdefault(entry[1], number)
    added: list[Term] = []
    for each in terms:
        # A PT and its LLT of the same name are two terms of one concept.
        if numbers := held.get((each.concept_id, each.term)):
            numbers.pop()
        else:
            added.append(each)
    new = list(dict.fromkeys(each.term for each in added if each.term not in vector_at))
    made = dict(zip(new, encode(new), strict=True)) if new else {}
    if added:
        rows = [
            made[each.term] if each.term in made else index.index.reconstruct(vector_at[each.term])
            for each in added
        ]
        index.add(added, np.stack(rows))
    gone = [number for numbers in held.values() for number in numbers]
    if gone:
        index.remove(gone)
    return TermChange(len(added), len(gone), len(new))


def _anchors(part: LinkerPart, terminology: Terminology) -> Iterator[Anchor]:
    """Training's mentions as far as the index shows them: what they added, and what they claimed.

    They claimed a string where a term of the old release is not in the index.
    """
    entries = [each for each in part.linker.similarity[0].index.entries if each]
    proposed = {(each.concept_id, each.term) for each in part.linker.terminology.proposed_terms}
    claimed = {normalise_name(term) for _, term in proposed.difference(entries)}
    for concept_id, term in entries:
        if (concept_id, term) not in proposed or normalise_name(term) in claimed:
            concept = terminology.concept(concept_id)
            if concept.is_proposed:
                yield Anchor(term, concept.concept_id)
