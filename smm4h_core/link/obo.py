"""OBO files, as the Human Phenotype Ontology is released: read as data, nothing is imported.

OBO Flat File Format 1.2/1.4. Terms that are obsolete are kept, not current. Of the HPO only
phenotypic abnormalities are proposed: its other branches qualify them (onset, inheritance).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from smm4h_core.drugs.curation import language_of
from smm4h_core.errors import DataError
from smm4h_core.link.lines import read_lines
from smm4h_core.link.terminology import Term, TermKind

HPO_ROOT = "HP:0000118"
"""Phenotypic abnormality."""
_SYNONYM = re.compile(r'"((?:[^"\\]|\\.)*)"\s+(EXACT|BROAD|NARROW|RELATED)\b\s*([^\[]*)')
_ESCAPED = re.compile(r"\\(.)")


@dataclass(slots=True)
class _Stanza:
    place: str
    tags: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def values(self, tag: str) -> list[str]:
        return [value for value, _ in self.tags.get(tag, ())]

    def one(self, tag: str) -> str:
        values = self.values(tag)
        if len(values) != 1 or not values[0]:
            raise DataError(f"{self.place}: expected one {tag} in a term, got {len(values)}")
        return values[0]


def read_release(path: Path) -> tuple[str | None, str | None]:
    """Name and version that the header states; None each where it does not."""
    stated: dict[str, str] = {}
    for _, line in read_lines(path):
        if line.startswith("["):
            break
        tag, _, value = line.partition(":")
        stated.setdefault(tag.strip(), value.strip())
    version = stated.get("data-version")
    name = stated.get("ontology", "").removesuffix(".obo")
    # "hp/releases/2025-01-16" names the ontology again.
    return name or None, version.rpartition("/")[2] if version else None


def read_obo(path: Path, *, root: str | None = None) -> Iterator[Term]:
    """Read every term of the file.

    Args:
        path: The file.
        root: Only its descendants are proposed; None is `HPO_ROOT` where the file has that term.

    Raises:
        DataError: a term without an id or a name, an id that stands twice, a synonym that is not
            quoted, a parent or a root that is not there; by file and line.
    """
    stanzas: dict[str, _Stanza] = {}
    for stanza in _read_stanzas(path):
        concept_id = stanza.one("id")
        if concept_id in stanzas:
            raise DataError(
                f"{stanza.place}: expected {concept_id} once, got it at "
                f"{stanzas[concept_id].place} too"
            )
        stanza.one("name")
        stanzas[concept_id] = stanza
    if not stanzas:
        raise DataError(f"{path}: expected [Term] stanzas, got none")
    if root is not None and root not in stanzas:
        raise DataError(f"{path}: expected the root {root!r} among the terms, got none")
    children: dict[str, list[str]] = {}
    for concept_id, stanza in stanzas.items():
        for parent, place in _parents(stanza):
            if parent not in stanzas:
                raise DataError(f"{place}: expected is_a to name a term, got {parent!r}")
            children.setdefault(parent, []).append(concept_id)
    chosen = root or (HPO_ROOT if HPO_ROOT in stanzas else None)
    proposed = stanzas.keys() if chosen is None else _below(chosen, children)
    for concept_id, stanza in stanzas.items():
        yield from _terms(concept_id, stanza, is_proposed=concept_id in proposed)


def _read_stanzas(path: Path) -> Iterator[_Stanza]:
    stanza: _Stanza | None = None
    for number, line in read_lines(path):
        place = f"{path}:{number}"
        if line.startswith("["):
            if stanza is not None:
                yield stanza
            stanza = _Stanza(place) if line.strip() == "[Term]" else None
        elif stanza is not None and line.strip() and not line.startswith("!"):
            tag, colon, value = line.partition(":")
            if not colon:
                raise DataError(f"{place}: expected 'tag: value', got {line[:40]!r}")
            stanza.tags.setdefault(tag.strip(), []).append((value.strip(), place))
    if stanza is not None:
        yield stanza


def _parents(stanza: _Stanza) -> list[tuple[str, str]]:
    found = stanza.tags.get("is_a", ())
    return [(re.split(r"[\s{!]", value, maxsplit=1)[0], place) for value, place in found]


def _below(root: str, children: dict[str, list[str]]) -> set[str]:
    """The descendants of a term; not itself, which says nothing."""
    found: set[str] = set()
    pending = [root]
    while pending:
        below = [each for each in children.get(pending.pop(), ()) if each not in found]
        found.update(below)
        pending += below
    return found


def _terms(concept_id: str, stanza: _Stanza, *, is_proposed: bool) -> Iterator[Term]:
    current = stanza.values("is_obsolete") != ["true"]
    name = stanza.one("name")
    xrefs = [each.partition(" ")[0] for each in stanza.values("xref")]
    yield Term(
        concept_id,
        name,
        "preferred",
        language_of(name),
        tuple(dict.fromkeys(parent for parent, _ in _parents(stanza))),
        current,
        level=None if is_proposed or not current else "qualifier",
        xrefs=tuple(sorted({*xrefs, *stanza.values("alt_id")})),
    )
    for value, place in stanza.tags.get("synonym", ()):
        found = _SYNONYM.match(value)
        if found is None:
            raise DataError(f'{place}: expected synonym: "text" SCOPE, got {value[:60]!r}')
        text = _ESCAPED.sub(r"\1", found[1]).strip()
        if text and text != name:
            kind: TermKind = "lay" if "layperson" in found[3].split() else "synonym"
            yield Term(concept_id, text, kind, language_of(text), current=current, scope=found[2])
