"""Bundles of other bundles: parts joined, a terminology's new release taken in."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from smm4h_core.bundle import (
    CLASSIFIER,
    DRUGS,
    PARTS,
    load_bundle,
    replacing,
    verify_bundle,
    write_manifest,
)
from smm4h_core.config import NAME_PATTERN
from smm4h_core.errors import BundleError
from smm4h_core.link.terminology import Terminology
from smm4h_core.link.update import TermChange, update_terminology
from smm4h_core.model_card import kind_of
from smm4h_core.types import Lang


def join_bundles(
    sources: Sequence[tuple[str, Path]], *, name: str, version: str, folder: Path
) -> dict[str, Any]:
    """Write one bundle of parts of others; return its manifest.

    Its languages are those that it has every kind of part for. Drugs are the first classifier's,
    since classifiers alone read them; without one, the first part's.

    Args:
        sources: Kinds of parts, each with the bundle that its parts of that kind are taken from;
            of a kind several, of other languages each.
        name: What it is to be called.
        version: Which one of that name.
        folder: Where it is to be; a bundle that lies there is replaced.

    Raises:
        BundleError: a source that is no bundle, is altered, or lacks the part; two parts of a kind
            for one language; no language with every kind; a name that does not fit; or a folder
            that is no bundle.
    """
    for key, value in (("name", name), ("version", version)):
        if not re.fullmatch(NAME_PATTERN, value):
            raise BundleError(f"{key}: expected {NAME_PATTERN}, got {value!r}")
    if not sources:
        raise BundleError(f"expected a bundle for one of {', '.join(PARTS)} at least, got none")
    verified = {path: verify_bundle(path) for _, path in sources}
    taken = [
        (kind, path, found)
        for kind, path in sources
        for found in _find_parts(verified[path], kind, path)
    ]
    served = _languages_served([(kind, part["languages"]) for kind, _, (_, part) in taken])
    counts = Counter(kind for kind, *_ in taken)
    with replacing(folder) as unfinished:
        parts = {}
        for kind, path, (key, part) in sorted(taken, key=lambda each: PARTS.index(each[0])):
            new = kind if counts[kind] == 1 else "-".join((kind, *part["languages"]))
            shutil.copytree(path / key, unfinished / new)
            parts[new] = part
        drugs = next((path for kind, path in sources if kind == CLASSIFIER), sources[0][1])
        shutil.copytree(drugs / DRUGS, unfinished / DRUGS)
        return write_manifest(unfinished, name, version, served, parts)


def update_bundle(
    source: Path,
    terminology: Terminology,
    *,
    version: str,
    folder: Path,
    device: torch.device,
) -> dict[str, TermChange]:
    """Write a bundle whose linkers know another release of their terminology; nothing is trained.

    Args:
        source: The bundle.
        terminology: The release; linkers to a terminology of that name are updated.
        version: What the new bundle's version is to be.
        folder: Where it is to be; a bundle that lies there is replaced.
        device: Where new terms are encoded.

    Returns:
        What changed, by part.

    Raises:
        BundleError: the source is no bundle or altered, or has no linker to that terminology.
        DataError: as `smm4h_core.link.update.update_terminology`.
    """
    if not re.fullmatch(NAME_PATTERN, version):
        raise BundleError(f"version: expected {NAME_PATTERN}, got {version!r}")
    bundle = load_bundle(source)
    manifest = bundle.manifest
    stated = manifest["terminology"] or {}
    chosen = [p for p, label in stated.items() if label.rpartition("@")[0] == terminology.name]
    if not chosen:
        raise BundleError(
            f"{source}: expected a linker to {terminology.name}, "
            f"got {', '.join(stated.values()) or 'none'}"
        )
    linkers = {part: bundle.linkers[manifest["parts"][part]["languages"][0]] for part in chosen}
    changes = {}
    with replacing(folder) as unfinished:
        for part in (DRUGS, *manifest["parts"]):
            if part not in chosen:
                shutil.copytree(source / part, unfinished / part)
        for part, linker in linkers.items():
            changes[part] = update_terminology(
                linker, terminology, source=source / part, target=unfinished / part, device=device
            )
        parts, languages = manifest["parts"], manifest["languages"]
        write_manifest(unfinished, bundle.name, version, languages, parts)
    return changes


def _find_parts(
    manifest: Mapping[str, Any], kind: str, path: Path
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The manifest's parts of a kind, by their keys, each with its languages."""
    parts = manifest["parts"]
    found = [key for key in parts if kind_of(key) == kind]
    if not found:
        raise BundleError(f"{path}: expected a bundle with a part {kind}, got {', '.join(parts)}")
    for key in found:
        # A run's bundle serves what its only part knows.
        yield key, {**parts[key], "languages": parts[key].get("languages", manifest["languages"])}


def _languages_served(known: Sequence[tuple[str, Sequence[Lang]]]) -> list[Lang]:
    """Languages that every kind has a part for."""
    by_kind: dict[str, list[Lang]] = {}
    for kind, langs in known:
        by_kind.setdefault(kind, []).extend(langs)
    for kind, langs in by_kind.items():
        twice = sorted(lang for lang, count in Counter(langs).items() if count > 1)
        if twice:
            raise BundleError(f"expected one {kind} a language, got several for {twice[0]}")
    served = sorted(set.intersection(*map(set, by_kind.values())))
    if not served:
        said = "; ".join(f"{kind} {', '.join(langs)}" for kind, langs in by_kind.items())
        raise BundleError(f"expected a language that every kind of part knows, got {said}")
    return served
