"""A terminology: concepts, their terms and their hierarchy, in one Parquet table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Literal, get_args

from smm4h_core.drugs.curation import language_of
from smm4h_core.drugs.names import normalise_name
from smm4h_core.errors import DataError
from smm4h_core.storage import open_storage
from smm4h_core.types import Concept, Lang

TermKind = Literal["preferred", "synonym", "llt", "lay"]
TERM_KINDS: tuple[TermKind, ...] = get_args(TermKind)
GROUPINGS = frozenset(("HLT", "HLGT", "SOC", "qualifier"))
"""Levels above and beside what a mention can mean: they order concepts and are never proposed."""
SCHEMA_VERSION = "1"
_REPEATING = ("kind", "lang", "level", "group", "scope")


@dataclass(frozen=True, slots=True)
class Term:
    """One surface string of a concept: a row of the table."""

    concept_id: str
    """Its concept."""
    term: str
    """The string, as its source spells it."""
    kind: TermKind
    """``preferred``: the concept's name, once a concept; ``llt``: MedDRA's lowest level."""
    lang: Lang
    """Language."""
    parents: tuple[str, ...] = ()
    """Concepts right above, the primary one first; on the preferred row alone."""
    current: bool = True
    """False: kept so that old codings are understood, never proposed."""
    code: str | None = None
    """The term's own code, where it has one: an LLT's."""
    level: str | None = None
    """The concept's level, where the terminology has levels; on the preferred row alone."""
    group: str | None = None
    """Code of a PT's primary SOC; on the preferred row alone."""
    scope: str | None = None
    """How a synonym of OBO relates to its concept: EXACT, BROAD, NARROW or RELATED."""
    xrefs: tuple[str, ...] = ()
    """The concept's codes elsewhere, and codes merged into it; on the preferred row alone."""


@dataclass(frozen=True, eq=False)
class Terminology:
    """Concepts and terms under a name and a version; make it with `build_terminology`."""

    name: str
    """What it is called."""
    version: str
    """Its release; a code means nothing without it."""
    terms: tuple[Term, ...]
    """Every row, sorted by concept, preferred term first."""
    concepts: Mapping[str, Concept]
    """Concepts by their code."""
    understands: tuple[str, ...] = ()
    """Other systems whose codes it takes for its concepts', by their cross-references: ``UMLS``."""

    @property
    def label(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @cached_property
    def proposed_terms(self) -> tuple[Term, ...]:
        """Rows that a mention may be linked by: current terms of concepts that are proposed."""
        return tuple(
            each
            for each in self.terms
            if each.current and self.concepts[each.concept_id].is_proposed
        )

    @cached_property
    def concept_of_code(self) -> Mapping[str, str]:
        """Codes to concepts: a concept's own, its LLTs' (current or not), those merged into it.

        Then those of the systems that it understands; of several concepts with such a code the
        first current one.
        """
        owned = {each.code: each.concept_id for each in self.terms if each.code is not None}
        prefixes = {concept_id.partition(":")[0] + ":" for concept_id in self.concepts}
        merged = {
            code: each.concept_id
            for each in self.terms
            for code in each.xrefs
            if ":" in code and code.partition(":")[0] + ":" in prefixes
        }
        foreign: dict[str, str] = {}
        for each in sorted(self.terms, key=lambda term: not term.current):
            for system, _, code in (xref.partition(":") for xref in each.xrefs):
                if system in self.understands:
                    foreign.setdefault(code, each.concept_id)
        own = {concept_id: concept_id for concept_id in self.concepts}
        return {**foreign, **merged, **owned, **own}

    def concept(self, code: str) -> Concept:
        """The concept of its own code, of an LLT's, or of one that was merged into it.

        Raises:
            DataError: the terminology has no such code.
        """
        concept_id = self.concept_of_code.get(code)
        if concept_id is None:
            raise DataError(f"{self.label}: expected a code that it has, got {code!r}")
        return self.concepts[concept_id]

    def ancestors(self, concept_id: str) -> tuple[Concept, ...]:
        """Everything above a concept, each once, nearest first.

        Raises:
            DataError: the terminology has no such concept.
        """
        above: dict[str, None] = {}
        pending = list(self.concept(concept_id).parents)
        while pending:
            code = pending.pop(0)
            if code not in above:
                above[code] = None
                pending += self.concepts[code].parents
        return tuple(self.concepts[code] for code in above)


def build_terminology(
    name: str, version: str, terms: Iterable[Term], *, understands: Sequence[str] = ()
) -> Terminology:
    """A terminology of these rows; equal rows are kept once.

    Args:
        name: What it is called.
        version: Its release.
        terms: Its rows.
        understands: Other systems whose codes it shall take, by its cross-references.

    Raises:
        DataError: no terms, an empty one, a concept without exactly one preferred term, a parent
            that is not there, or a system that no cross-reference is of.
    """
    if not name.strip() or not version.strip():
        raise DataError(f"expected a terminology's name and version, got {name!r}, {version!r}")
    rows: dict[tuple[str, str, str | None], Term] = {}
    for each in sorted(terms, key=_order):
        # HPO repeats names among synonyms: what sorts first, the preferred term, stays.
        rows.setdefault((each.concept_id, each.term, each.code), each)
    ordered = tuple(rows.values())
    if not ordered:
        raise DataError(f"{name}@{version}: expected terms, got none")
    concepts: dict[str, Concept] = {}
    for each in ordered:
        if not each.term.strip() or not each.concept_id.strip():
            raise DataError(f"{name}@{version}: expected a term and a concept, got {each}")
        if each.kind == "preferred":
            if each.concept_id in concepts:
                raise DataError(
                    f"{name}@{version}: expected one preferred term of {each.concept_id}, got "
                    f"{concepts[each.concept_id].name!r} and {each.term!r}"
                )
            concepts[each.concept_id] = Concept(
                each.concept_id,
                each.term,
                each.parents,
                each.level,
                each.group,
                each.current and each.level not in GROUPINGS,
            )
    for each in ordered:
        if each.concept_id not in concepts:
            raise DataError(
                f"{name}@{version}: expected a preferred term of {each.concept_id}, got none"
            )
        for parent in each.parents:
            if parent not in concepts:
                raise DataError(
                    f"{name}@{version}: expected parents among the concepts, "
                    f"{each.concept_id} has {parent!r}"
                )
    for system in understands:
        if not any(xref.startswith(f"{system}:") for each in ordered for xref in each.xrefs):
            raise DataError(f"{name}@{version}: expected cross-references to {system!r}, got none")
    return Terminology(name, version, ordered, concepts, tuple(understands))


def add_terms(terminology: Terminology, terms: Iterable[Term]) -> Terminology:
    """The same terminology with more terms of its concepts; those of other concepts are refused.

    Raises:
        DataError: a term whose concept is not there.
    """
    added = list(terms)
    for each in added:
        if each.concept_id not in terminology.concepts:
            raise DataError(
                f"{terminology.label}: expected terms of its concepts, "
                f"got {each.term!r} of {each.concept_id!r}"
            )
    return build_terminology(
        terminology.name,
        terminology.version,
        [*terminology.terms, *added],
        understands=terminology.understands,
    )


def mention_terms(mentions: Iterable[tuple[str, str]]) -> tuple[Term, ...]:
    """Annotated mentions ``(text, concept_id)`` as lay terms; empty ones are left out.

    Annotators give one string now this concept and now that: it is a term of the one that it has
    most often, of equally frequent ones of the first in order of their ids.
    """
    counts: Counter[tuple[str, str]] = Counter()
    spelt: dict[str, str] = {}
    for text, concept_id in mentions:
        if folded := normalise_name(text):
            counts[folded, concept_id] += 1
            spelt.setdefault(folded, text.strip())
    chosen: dict[str, str] = {}
    for folded, concept_id in sorted(counts, key=lambda pair: (-counts[pair], pair)):
        chosen.setdefault(folded, concept_id)
    return tuple(
        Term(concept_id, spelt[folded], "lay", language_of(folded))
        for folded, concept_id in chosen.items()
    )


def save_terminology(terminology: Terminology, path: Path) -> None:
    """Write one Parquet file; the same terminology gives the same bytes."""
    storage = open_storage(str(path.parent))
    storage.write(path.name, lambda stream: write_terms(terminology, stream))


def write_terms(terminology: Terminology, stream: IO[bytes]) -> None:
    """Write the Parquet table to a stream."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {}
    for field in fields(Term):
        values = [getattr(each, field.name) for each in terminology.terms]
        if field.name in ("parents", "xrefs"):
            columns[field.name] = pa.array(values, pa.list_(pa.string()))
        else:
            kind = pa.bool_() if field.name == "current" else pa.string()
            columns[field.name] = pa.array(values, kind)
    stated = {
        "schema": SCHEMA_VERSION,
        "name": terminology.name,
        "version": terminology.version,
        "understands": terminology.understands,
    }
    table = pa.table(columns).replace_schema_metadata({"smm4h": json.dumps(stated)})
    pq.write_table(
        table, stream, compression="zstd", compression_level=9, use_dictionary=list(_REPEATING)
    )


def load_terminology(path: Path) -> Terminology:
    """Read what `save_terminology` wrote.

    Raises:
        DataError: no such file, another format, or rows that make no terminology.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            table = file.read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: expected a terminology in Parquet: {error}") from None
    names = [field.name for field in fields(Term)]
    stated = json.loads((table.schema.metadata or {}).get(b"smm4h", b"{}"))
    if table.column_names != names or stated.get("schema") != SCHEMA_VERSION:
        raise DataError(
            f"{path}: expected a terminology of schema {SCHEMA_VERSION}, got the columns "
            f"{', '.join(table.column_names)} of schema {stated.get('schema')!r}"
        )
    rows = _read_rows([table[name].to_pylist() for name in names])
    understands = stated.get("understands", ())
    return build_terminology(stated["name"], stated["version"], rows, understands=understands)


def _read_rows(columns: list[list[Any]]) -> Iterator[Term]:
    for concept_id, term, kind, lang, parents, current, *rest, xrefs in zip(*columns, strict=True):
        code, level, group, scope = rest
        yield Term(
            concept_id,
            term,
            kind,
            lang,
            tuple(parents),
            current,
            code,
            level,
            group,
            scope,
            tuple(xrefs),
        )


def _order(term: Term) -> tuple[Any, ...]:
    return (
        term.concept_id,
        TERM_KINDS.index(term.kind),
        not term.current,
        term.term,
        term.code or "",
        term.scope or "",
    )
