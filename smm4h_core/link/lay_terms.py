"""Our own lay names of common adverse effects, English and Russian, keyed to HPO ids.

``data/lay_terms.tsv`` was written by hand for this project from general knowledge: it copies
neither MedDRA nor a corpus. Ids and names of concepts are the HPO's (release 2025-01-16,
https://hpo.jax.org).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import as_file, files

from smm4h_core.corpora.tsv import read_rows
from smm4h_core.errors import DataError
from smm4h_core.link.terminology import Term, Terminology, build_terminology

COLUMNS = ("concept_id", "name", "group", "en", "ru")


@dataclass(frozen=True, slots=True)
class LayConcept:
    """A common effect and what people call it."""

    concept_id: str
    """HPO id."""
    name: str
    """The HPO's name."""
    group: str
    """Our own grouping, by part of the body."""
    en: tuple[str, ...]
    """English lay terms."""
    ru: tuple[str, ...]
    """Russian lay terms."""

    def terms(self) -> tuple[Term, ...]:
        """Its terms as rows of a terminology."""
        english = [Term(self.concept_id, text, "lay", "en") for text in self.en]
        russian = [Term(self.concept_id, text, "lay", "ru") for text in self.ru]
        return (*english, *russian)


def load_lay_concepts() -> tuple[LayConcept, ...]:
    """The packaged table, in its order."""
    with as_file(files("smm4h_core.link") / "data" / "lay_terms.tsv") as path:
        rows = [row.cells for row in read_rows(path, COLUMNS)]
    return tuple(
        LayConcept(
            cells["concept_id"],
            cells["name"],
            cells["group"],
            _split(cells["en"]),
            _split(cells["ru"]),
        )
        for cells in rows
    )


def load_lay_terms() -> tuple[Term, ...]:
    """Every lay term of the packaged table."""
    return tuple(term for concept in load_lay_concepts() for term in concept.terms())


def keep_lay_concepts(terminology: Terminology) -> Terminology:
    """The concepts that people have a word for, with all their terms.

    What is above them stays by its name alone and is not proposed.

    Raises:
        DataError: no term is marked as lay.
    """
    named = {each.concept_id for each in terminology.proposed_terms if each.kind == "lay"}
    if not named:
        raise DataError(f"{terminology.label}: expected terms of the kind 'lay', got none")
    above = {each.concept_id for one in named for each in terminology.ancestors(one)} - named
    names = (each for each in terminology.terms if each.kind == "preferred")
    return build_terminology(
        terminology.name,
        terminology.version,
        [
            *(each for each in terminology.terms if each.concept_id in named),
            *(replace(each, level="qualifier") for each in names if each.concept_id in above),
        ],
        understands=terminology.understands,
    )


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(";") if part.strip())
