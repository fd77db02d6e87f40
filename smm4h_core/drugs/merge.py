"""From the open dictionary and our curation to one list of drugs and one of names: rules, no files.

What the dictionary calls a drug is also every protein, gene and allergen of its sources. Kept are
entries with an identifier of a source of medicines, and organic substances of MeSH with a molecule
of their own. Salts go to their base, combinations to the ingredients they list, curated synonyms to
the curated name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smm4h_core.drugs.curation import CuratedDrug, language_of, word_list
from smm4h_core.drugs.lexicon import DrugName, NameKind
from smm4h_core.drugs.names import normalise_name
from smm4h_core.drugs.structures import choose_active, choose_by_formula, formula_of
from smm4h_core.drugs.wheel import WheelDictionary
from smm4h_core.drugs.wiki_names import names_in
from smm4h_core.errors import DataError

CURATED = "curated"
MEDICINES = ("drugbank_id", "medline_plus_id", "nhs_url", "wikipedia_url")
"""Facts that only sources of medicines give."""
ORGANIC = ("D02", "D03", "D04", "D06", "D09", "D10")
"""MeSH: organic, heterocyclic, polycyclic; hormones, carbohydrates, lipids."""
MIN_NAME = 5
"""Of shorter ones in the dictionary most are codes of laboratories; the curation has the others."""
MAX_NAME = 50
"""Longer names are systematic chemical ones that no post writes."""
ELEMENTS = frozenset(("aluminum", "cobalt", "copper", "gold", "iron", "lithium", "silver", "zinc"))
"""Bases that a salt's name never goes to: a metal's chloride is not the metal."""
_PARTS = re.compile(r"\s*(?:/|,? and |, )\s*")
_LETTERS = re.compile(r"[a-z\u0400-\u04ff]{3}")


@dataclass(frozen=True, slots=True)
class DrugRow:
    """A drug as its table keeps it."""

    name: str
    """English international non-proprietary name."""
    smiles: str | None
    """Canonical SMILES of the one active molecule."""
    source: str
    """Where the molecule comes from; empty where there is none."""
    formula: str
    """Molecular formula of ``smiles``."""
    check: str
    """How the molecule passed, or why there is none."""


def merge_drugs(
    wheel: WheelDictionary, curated: Sequence[CuratedDrug], refused: Mapping[str, str]
) -> tuple[dict[str, DrugRow], dict[str, str]]:
    """The drugs by name, and the name of each kept entry of the dictionary.

    Raises:
        DataError: a curated molecule that does not parse or has another formula than it should.
    """
    source = f"drug-named-entity-recognition {wheel.version}"
    keys = _choose_keys(wheel, curated)
    entries: dict[str, list[str]] = {}
    for entry, key in keys.items():
        entries.setdefault(key, []).append(entry)
    by_name = {drug.name: drug for drug in curated}
    drugs = {}
    for key in sorted({*entries, *by_name}):
        smiles = _molecules(wheel, key, entries.get(key, ()))
        ours = by_name.get(key)
        drugs[key] = (
            _curated_row(ours, smiles, source)
            if ours
            else _wheel_row(key, smiles, source, refused.get(key))
        )
    return drugs, keys


def merge_names(
    wheel: WheelDictionary,
    curated: Sequence[CuratedDrug],
    keys: Mapping[str, str],
    common: frozenset[str],
) -> list[DrugName]:
    """Every name, our own first; then the dictionary's that a post can write and we do not have."""
    source = f"drug-named-entity-recognition {wheel.version}"
    names: dict[str, DrugName] = {}
    for each in _curated_names(curated):
        names.setdefault(each.name, each)
    found = ((n, entry, kind) for raw, entry, kind in _wheel_names(wheel) for n in names_in(raw))
    for spelt, entry, kind in sorted(found):
        name = normalise_name(spelt)
        if entry in keys and name not in names and name not in common and is_writable(name):
            names[name] = DrugName(name, keys[entry], "en", kind, source)
    return list(names.values())


def is_writable(name: str) -> bool:
    """Whether people write such a name: no code, no inverted heading, no systematic name."""
    return (
        MIN_NAME <= len(name) <= MAX_NAME
        and ", " not in name
        and _LETTERS.search(name) is not None
        and len(re.findall(r"[\d()\[\]{}']", name)) <= 4
    )


def base_of_salt(name: str) -> str:
    """The name without the words of a salt at its end; the name itself where it has none."""
    words = name.split(" ")
    while len(words) > 1 and words[-1] in word_list("salt_words.txt"):
        words.pop()
    base = " ".join(words)
    return name if base in ELEMENTS or base in word_list("salt_words.txt") else base


def _choose_keys(wheel: WheelDictionary, curated: Sequence[CuratedDrug]) -> dict[str, str]:
    """The drug of each entry that is kept."""
    owner = {
        name: drug.name
        for drug in curated
        for name in map(normalise_name, (drug.name, *drug.names))
    }
    allergens = _find_allergens(wheel)
    for drug in curated:  # where the dictionary files our very name under another heading
        for entry in wheel.names.get(drug.name, ()):
            if len(_PARTS.split(entry)) == 1:
                owner.setdefault(normalise_name(entry), drug.name)
    kept = {
        entry: normalise_name(str(facts.get("name", entry)))
        for entry, facts in wheel.facts.items()
        if normalise_name(entry) in owner or (_is_drug(entry, facts) and entry not in allergens)
    }
    keys = {entry: owner.get(normalise_name(entry), name) for entry, name in kept.items()}
    known = {*keys.values()}
    for entry, key in keys.items():
        base = key if key in owner.values() else base_of_salt(key)
        keys[entry] = owner.get(base, base) if base in known or base in owner else key
    known = {*keys.values()}
    mixtures = {frozenset(drug.name.split("/")): drug.name for drug in curated if "/" in drug.name}
    for entry, key in keys.items():
        parts = [owner.get(base, base) for base in map(base_of_salt, _PARTS.split(key))]
        if len(parts) > 1 and key not in owner.values() and all(part in known for part in parts):
            keys[entry] = mixtures.get(frozenset(parts), "/".join(parts))
    return keys


def _is_drug(entry: str, facts: Mapping[str, Any]) -> bool:
    if any(fact in facts for fact in MEDICINES):
        return True
    # MeSH names a class in the plural, and the molecule beside it is then one of many.
    organic = any(tree[:3] in ORGANIC for tree in facts.get("mesh_tree", ()))
    return organic and "smiles" in facts and not entry.endswith("s")


def _find_allergens(wheel: WheelDictionary) -> frozenset[str]:
    """Entries without a molecule that DrugBank alone knows and one of their names gives away."""
    return frozenset(
        entry
        for name, (entry, *_) in wheel.names.items()
        if not word_list("allergen_words.txt").isdisjoint(re.findall("[a-z]+", name))
        and {"mesh_id", "smiles", *MEDICINES[1:]}.isdisjoint(wheel.facts.get(entry, ()))
    )


def _molecules(wheel: WheelDictionary, key: str, entries: Sequence[str]) -> list[str]:
    """The entries' own SMILES, that of the entry with the drug's very name first."""
    ordered = sorted(entries, key=lambda entry: (normalise_name(entry) != key, entry))
    return [wheel.facts[entry]["smiles"] for entry in ordered if "smiles" in wheel.facts[entry]]


def _curated_row(drug: CuratedDrug, candidates: Sequence[str], source: str) -> DrugRow:
    if not drug.formula:
        return DrugRow(drug.name, None, "", "", "no one molecule")
    if drug.smiles:
        structure = choose_active(drug.smiles)
        got = formula_of(structure.smiles) if structure.smiles else structure.verdict
        if structure.verdict != "single" or got != drug.formula:
            raise DataError(
                f"{drug.place}: expected SMILES of {drug.formula}, got {drug.smiles} ({got})"
            )
        return DrugRow(drug.name, structure.smiles, CURATED, drug.formula, "formula")
    for candidate in candidates:
        smiles = choose_by_formula(candidate, drug.formula)
        if smiles is not None:
            return DrugRow(drug.name, smiles, source, drug.formula, "formula")
    raise DataError(
        f"{drug.place}: expected a molecule of {drug.formula} for {drug.name} in the open "
        f"dictionary, which has {', '.join(candidates) or 'none'}; write its SMILES here"
    )


def _wheel_row(key: str, candidates: Sequence[str], source: str, refusal: str | None) -> DrugRow:
    if refusal is not None:
        return DrugRow(key, None, "", "", f"refused: {refusal}")
    if "/" in key:
        return DrugRow(key, None, "", "", "mixture")
    if not candidates:
        return DrugRow(key, None, "", "", "none known")
    structure = choose_active(candidates[0])
    if structure.smiles is None:
        return DrugRow(key, None, "", "", structure.verdict)
    return DrugRow(key, structure.smiles, source, formula_of(structure.smiles), structure.verdict)


def _curated_names(curated: Sequence[CuratedDrug]) -> Iterator[DrugName]:
    for drug in curated:
        groups: Iterable[tuple[NameKind, tuple[str, ...]]] = (
            ("ingredient", (drug.name,)),
            ("synonym", drug.names),
            ("brand", drug.brands),
            ("slang", drug.slang),
        )
        for kind, names in groups:
            for name in map(normalise_name, names):
                yield DrugName(name, drug.name, language_of(name), kind, CURATED)


def _wheel_names(wheel: WheelDictionary) -> Iterator[tuple[str, str, NameKind]]:
    for name, (entry, *_) in wheel.names.items():
        brand = wheel.name_facts.get(name, {}).get("is_brand", False)
        yield name, entry, "ingredient" if name == entry else "brand" if brand else "synonym"
    for entry, facts in wheel.facts.items():
        for name in facts.get("synonyms", ()):
            yield name, entry, "synonym"
