"""A terminology from whatever it is released as: MedDRA's folder, an OBO file, a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from smm4h_core.errors import DataError
from smm4h_core.link.lay_terms import keep_lay_concepts, load_lay_terms
from smm4h_core.link.meddra import is_meddra, read_meddra
from smm4h_core.link.meddra import read_release as read_meddra_release
from smm4h_core.link.obo import read_obo
from smm4h_core.link.obo import read_release as read_obo_release
from smm4h_core.link.term_table import read_term_table
from smm4h_core.link.terminology import (
    Term,
    Terminology,
    add_terms,
    build_terminology,
    load_terminology,
)
from smm4h_core.packaged import PACKAGE, locate_in_package


def read_terminology(
    source: str,
    *,
    name: str | None = None,
    version: str | None = None,
    lay_terms: bool = False,
    only_lay_concepts: bool = False,
    understands: Sequence[str] = (),
) -> Terminology:
    """Read a terminology in any of its forms.

    Args:
        source: A MedDRA ASCII folder, an ``.obo`` file, a ``.tsv`` of terms, a ``.parquet`` that
            `save_terminology` wrote, or such a file in an installed package:
            ``package:<import name>/<folder>/<file>``.
        name: What to call it; None is the release's own, ``meddra`` for MedDRA.
        version: Its version; None is the release's own.
        lay_terms: Whether to add our own lay terms, whose concepts are the HPO's.
        only_lay_concepts: Whether to leave out the concepts that no lay term names.
        understands: Other systems whose codes it shall take, by its cross-references: ``UMLS``.

    Raises:
        DataError: another form, a broken release (by file and line), a name or a version that
            neither the caller nor the release gives, or concepts that lay terms do not find.
    """
    path = _locate(source)
    stated: tuple[str | None, str | None] = (None, None)
    terms: Iterable[Term]
    if path.is_dir() and is_meddra(path):
        stated = ("meddra", read_meddra_release(path))
        terms = read_meddra(path)
    elif path.suffix == ".obo":
        stated = read_obo_release(path)
        terms = read_obo(path)
    elif path.suffix == ".tsv":
        terms = read_term_table(path)
    elif path.suffix == ".parquet":
        built = load_terminology(path)
        stated, terms = (built.name, built.version), built.terms
        understands = tuple(dict.fromkeys((*built.understands, *understands)))
    else:
        raise DataError(
            f"{source}: expected a MedDRA ASCII folder (with llt.asc), an .obo file, a .tsv or "
            f"the .parquet of `smm4h terminology build`"
        )
    chosen = {"name": name or stated[0], "version": version or stated[1]}
    for option, value in chosen.items():
        if not value:
            raise DataError(f"{source}: states no {option}; give it with --{option}")
    terminology = build_terminology(
        chosen["name"] or "", chosen["version"] or "", terms, understands=understands
    )
    if lay_terms:
        terminology = add_terms(terminology, load_lay_terms())
    return keep_lay_concepts(terminology) if only_lay_concepts else terminology


def _locate(source: str) -> Path:
    return locate_in_package(source, DataError) if source.startswith(PACKAGE) else Path(source)
