"""The public originals that we read, told apart by their shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from smm4h_core.corpora.ade_corpus import is_ade_corpus, read_ade_corpus
from smm4h_core.corpora.cadec import is_cadec, read_cadec
from smm4h_core.corpora.cometa import is_cometa, read_cometa
from smm4h_core.corpora.original import Original
from smm4h_core.corpora.problems import Report, refuse
from smm4h_core.corpora.psytar_sheet import is_psytar, read_psytar
from smm4h_core.corpora.rudrec_json import is_rudrec, read_rudrec
from smm4h_core.errors import ConfigError, DataError

Format = Literal["cadec", "cometa", "rudrec", "psytar", "ade_corpus"]
"""A corpus whose own files we read."""

_SHAPES: Mapping[Format, Callable[[Path], bool]] = {
    "cadec": is_cadec,
    "cometa": is_cometa,
    "rudrec": is_rudrec,
    "psytar": is_psytar,
    "ade_corpus": is_ade_corpus,
}
CONCEPTS: Mapping[Format, tuple[str, ...]] = {
    "cadec": ("meddra", "sct"),
    "cometa": ("specific", "general"),
    "rudrec": ("umls", "meddra"),
    "psytar": ("umls", "snomed"),
    "ade_corpus": (),
}
"""The sets of concepts that each corpus carries, the default first."""


def recognise(path: Path) -> Format | None:
    """Tell a public original by its folders, its columns, its keys or its sheets."""
    return next((name for name, has_shape in _SHAPES.items() if has_shape(path)), None)


def read_original(
    path: Path,
    source_format: Format | None = None,
    concepts: str | None = None,
    report: Report = refuse,
) -> Original:
    """Read a public original.

    Args:
        path: Its folder or file.
        source_format: Whose shape it has; None to tell it by its shape.
        concepts: One of `CONCEPTS` of its format; None for the first.
        report: Takes the problems met.

    Raises:
        ConfigError: the format has no such concepts.
        DataError: the path has no shape that we know, or from ``report``.
    """
    found = source_format or recognise(path)
    if found is None or not _SHAPES[found](path):
        raise DataError(f"{path}: expected the shape of {found or ', '.join(_SHAPES)}, got another")
    known = CONCEPTS[found]
    if concepts not in (None, *known):
        expected = " or ".join(known) or "none"
        raise ConfigError(f"concepts: expected {expected} of {found}, got {concepts!r}")
    takes_second = concepts in known[1:]
    if found == "ade_corpus":
        return read_ade_corpus(path, report)
    if found == "cadec":
        return read_cadec(path, "sct" if takes_second else "meddra", report)
    if found == "cometa":
        return read_cometa(path, "general" if takes_second else "specific", report)
    if found == "rudrec":
        return read_rudrec(path, "meddra" if takes_second else "umls", report)
    return read_psytar(path, "snomed" if takes_second else "umls", report)
