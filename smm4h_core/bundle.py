"""The servable artefact, the only contract between training and serving.

A folder with a manifest that lists every other file with its size and sha256, the drugs that
posts are searched for, and one part a task: a classifier, an extractor, a linker. Weights are
safetensors, tables JSON, the tokenizer as its library saves it; nothing in it can run code, and
nothing is fetched when it is loaded. A bundle may be opened and its parts loaded apart: torch is
imported by what loads or saves networks alone.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.drugs.finder import DrugFinder, build_finder
from smm4h_core.drugs.lexicon import load_lexicon, read_lexicon, write_lexicon
from smm4h_core.errors import BundleError
from smm4h_core.model_card import kind_of, write_model_card
from smm4h_core.storage import Storage
from smm4h_core.types import Lang

if TYPE_CHECKING:
    from smm4h_core.classify.part import ClassifierPart
    from smm4h_core.encoders.run import NamedBases
    from smm4h_core.extract.part import ExtractorPart
    from smm4h_core.link.part import LinkerPart

P = TypeVar("P")

SCHEMA_VERSION = 3
_PART_NAME = re.compile(r"[a-z]+(-[a-z]+)*")
MANIFEST = "manifest.json"
CLASSIFIER, EXTRACTOR, LINKER = "classifier", "extractor", "linker"
"""Kinds of parts. A part's folder and its key in the manifest are its kind's name, or, where a
bundle has several of the kind, that name with its languages: ``classifier-ru``."""
PARTS = (CLASSIFIER, EXTRACTOR, LINKER)
DRUGS = "drugs"
_PART_OF = {"1a": CLASSIFIER, "1b": EXTRACTOR, "1c": LINKER, "2": CLASSIFIER}
_LABELS = {
    "1a": ["NoADE", "ADE"],
    "1b": ["O", "B-ADE", "I-ADE"],
    "1c": [],  # concepts, which the part keeps itself
    "2": ["0", "1"],
}
MANIFEST_KEYS = ("name", "version", "languages", "created", "packages", "parts", "files", "sha256")
RECORDED_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "scikit-learn", "numpy")


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A verified bundle with its networks, on the CPU, in evaluation mode."""

    name: str
    """What it is called."""
    version: str
    """Which one of that name."""
    languages: tuple[Lang, ...]
    """Languages that it has every kind of its parts for, in alphabetical order."""
    finder: DrugFinder
    """Finds the drugs that a post names."""
    classifiers: Mapping[Lang, ClassifierPart]
    """Say which posts report an ADE, by language; empty where the bundle does not."""
    extractors: Mapping[Lang, ExtractorPart]
    """Mark the ADEs in posts, by language; empty where the bundle does not."""
    linkers: Mapping[Lang, LinkerPart]
    """Link mentions to concepts, by language; empty where the bundle does not."""
    manifest: Mapping[str, Any]
    """The whole manifest, for display."""

    @property
    def label(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True, eq=False)
class OpenBundle:
    """A verified bundle of which nothing is loaded yet."""

    folder: Path
    """Where it lies."""
    manifest: Mapping[str, Any]
    """The whole manifest."""
    configs: Mapping[str, RunConfig]
    """The configuration of each part that is to be loaded."""
    languages: tuple[Lang, ...]
    """Languages that it has every kind of its parts for."""

    @property
    def label(self) -> str:
        """``name@version``."""
        return f"{self.manifest['name']}@{self.manifest['version']}"

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of its parts."""
        return frozenset(map(kind_of, self.configs))

    def narrow(self, languages: Collection[Lang]) -> OpenBundle:
        """The same for some of its languages alone: parts that read none of them are left out."""
        kept = {
            n: each for n, each in self.configs.items() if not {*languages}.isdisjoint(each.served)
        }
        return replace(
            self,
            configs=kept,
            languages=tuple(each for each in self.languages if each in languages),
        )

    def load_finder(self) -> DrugFinder:
        """What finds drugs in posts."""
        return build_finder(read_lexicon(self.folder / DRUGS))

    def load_classifiers(self, bases: NamedBases | None = None) -> Mapping[Lang, ClassifierPart]:
        """Its classifiers by language; ``bases`` are encoders that its parts share."""
        from smm4h_core.classify.part import load_classifier

        return self._load(CLASSIFIER, load_classifier, bases)

    def load_extractors(self, bases: NamedBases | None = None) -> Mapping[Lang, ExtractorPart]:
        """Its extractors by language; see `load_classifiers`."""
        from smm4h_core.extract.part import load_extractor

        return self._load(EXTRACTOR, load_extractor, bases)

    def load_linkers(self, bases: NamedBases | None = None) -> Mapping[Lang, LinkerPart]:
        """Its linkers by language; see `load_classifiers`."""
        from smm4h_core.link.part import load_linker

        return self._load(LINKER, load_linker, bases)

    def _load(
        self,
        kind: str,
        loader: Callable[[RunConfig, dict[str, Any], Path, NamedBases | None], P],
        bases: NamedBases | None,
    ) -> Mapping[Lang, P]:
        by_lang: dict[Lang, P] = {}
        for part, config in self.configs.items():
            if kind_of(part) == kind:
                rule = dict(self.manifest["parts"][part]["rule"])
                loaded = loader(config, rule, self.folder / part, bases)
                by_lang |= dict.fromkeys(config.served, loaded)
        return by_lang


def save_bundle(
    config: RunConfig,
    members: Sequence[Sequence[Storage]],
    *,
    rule: Mapping[str, Any],
    scores: Mapping[str, Any],
    fingerprint: str,
    weights_name: str,
    folder: Path,
) -> None:
    """Write the bundle of one run; it appears whole, replacing an older one of that folder.

    Args:
        config: The run's configuration.
        members: ``(S, F)`` folders that hold the weights of each seed's networks, its folds or,
            of linking, its parts; in the rule's order.
        rule: How the members are joined, as JSON has it.
        scores: Scores by split, kept for the model card.
        fingerprint: Digest of the training posts.
        weights_name: The weights' file name in a member's folder.
        folder: Where the bundle is to be.

    Raises:
        BundleError: the folder is there and is no bundle.
    """
    from smm4h_core.classify.part import save_classifier
    from smm4h_core.extract.part import save_extractor
    from smm4h_core.link.part import save_linker

    part = _PART_OF[config.task]
    savers = {CLASSIFIER: save_classifier, EXTRACTOR: save_extractor, LINKER: save_linker}
    with replacing(folder) as unfinished:
        (unfinished / part).mkdir(parents=True)
        savers[part](config, members, weights_name=weights_name, folder=unfinished / part)
        tables = [Path(table) for table in config.drugs.tables]
        write_lexicon(load_lexicon(tables), unfinished / DRUGS)
        described = {
            "task": config.task,
            "labels": _LABELS[config.task],
            "rule": dict(rule),
            "scores": dict(scores),
            "training_data": fingerprint,
            "languages": list(config.served),
            "configuration": config.model_dump(mode="json"),
        }
        write_manifest(unfinished, config.name, config.version, config.served, {part: described})


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A folder to fill, which then takes the place of a bundle there; the bundle appears whole."""
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise BundleError(f"{folder} exists and is not a bundle; it is not replaced")
    unfinished = folder.with_name(f".{folder.name}.{uuid4().hex}.partial")
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        replaced = folder.with_name(f"{unfinished.name}.old")
        if folder.exists():
            folder.rename(replaced)
        unfinished.rename(folder)
        shutil.rmtree(replaced, ignore_errors=True)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_manifest(
    folder: Path, name: str, version: str, languages: Sequence[Lang], parts: Mapping[str, Any]
) -> dict[str, Any]:
    """Write model card and manifest of a folder that holds all else; return the manifest."""
    from smm4h_core.link.part import terminology_label

    manifest = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "version": version,
        "languages": list(languages),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "packages": {each: metadata.version(each) for each in RECORDED_PACKAGES},
        "terminology": {
            part: terminology_label(folder / part) for part in parts if kind_of(part) == LINKER
        }
        or None,
        "parts": dict(parts),
    }
    write_model_card(manifest, folder / "README.md")
    manifest["files"] = _describe_files(folder)
    manifest["sha256"] = seal(manifest)
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return manifest


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a bundle's manifest, check its schema and its own digest; touches no other file.

    Raises:
        BundleError: no manifest, no JSON, another schema, a key that is missing or was changed.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BundleError(f"{path}: no such file; {folder} is not a bundle") from None
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: not a manifest: {error}") from None
    found = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if found != SCHEMA_VERSION:
        raise BundleError(
            f"{path}: expected schema_version {SCHEMA_VERSION}, got {found!r}; `smm4h train` with "
            f"the run's configuration writes its bundle anew and trains nothing"
        )
    missing = [key for key in MANIFEST_KEYS if key not in manifest]
    if missing:
        raise BundleError(f"{path}: expected the key(s) {', '.join(missing)}, which are not there")
    if manifest["sha256"] != seal(manifest):
        raise BundleError(f"{path}: not as it was written: its own sha256 differs")
    return dict(manifest)


def verify_bundle(folder: Path) -> dict[str, Any]:
    """Check that every file is there, and is the one that was written; return the manifest.

    Raises:
        BundleError: naming each file that is missing, altered, not listed or not to be read.
    """
    manifest = read_manifest(folder)
    expected, found = manifest.get("files"), _describe_files(folder)
    if not isinstance(expected, dict):
        raise BundleError(f"{folder / MANIFEST}: expected a table of files, got {expected!r:.80}")
    wrong = [f"{name}: missing" for name in sorted(expected.keys() - found.keys())]
    wrong += [f"{name}: not in the manifest" for name in sorted(found.keys() - expected.keys())]
    for name in sorted(expected.keys() & found.keys()):
        if expected[name] != found[name]:
            wrong.append(f"{name}: expected {expected[name]}, got {found[name]}")
    if wrong:
        raise BundleError(f"{folder}: {len(wrong)} file(s) wrong\n  " + "\n  ".join(wrong))
    return manifest


def open_bundle(folder: Path) -> OpenBundle:
    """Verify a bundle and read what it says of its parts.

    Raises:
        BundleError: saying which file, or which key of the manifest, is wrong.
    """
    manifest = verify_bundle(folder)
    configs: dict[str, RunConfig] = {}
    try:
        parts = manifest["parts"]
        for name, part in parts.items():
            if not _PART_NAME.fullmatch(name):  # it is a folder's name, and nothing beyond
                raise ValueError(f"no name of a part: {name!r}")
            source = f"{folder / MANIFEST}: {name}"
            configs[name] = config_from_mapping(part["configuration"], source=source)
            dict(part["rule"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"{folder / MANIFEST}: {error}") from None
    opened = OpenBundle(folder, manifest, configs, tuple(manifest["languages"]))
    if not configs or not opened.kinds <= set(PARTS):
        raise BundleError(
            f"{folder / MANIFEST}: expected parts among {', '.join(PARTS)}, "
            f"got {', '.join(configs) or 'none'}"
        )
    return opened


def load_bundle(folder: Path, *, languages: Collection[Lang] | None = None) -> Bundle:
    """Verify a bundle, then build its networks.

    Args:
        folder: Where it is.
        languages: Load what reads these of its languages, and no more; None loads all.

    Raises:
        BundleError: saying which file is wrong.
    """
    from smm4h_core.encoders.run import NamedBases

    opened, bases = open_bundle(folder), NamedBases()
    if languages is not None:
        opened = opened.narrow(languages)
    return Bundle(
        name=str(opened.manifest["name"]),
        version=str(opened.manifest["version"]),
        languages=opened.languages,
        finder=opened.load_finder(),
        classifiers=opened.load_classifiers(bases),
        extractors=opened.load_extractors(bases),
        linkers=opened.load_linkers(bases),
        manifest=opened.manifest,
    )


def seal(manifest: Mapping[str, Any]) -> str:
    """Digest of all that a manifest says but this: a threshold changed by hand must show."""
    said = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    described = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST:
            try:
                with path.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
            except OSError as error:
                raise BundleError(f"{path}: cannot be read: {error.strerror}") from None
            described[name] = {"size": path.stat().st_size, "sha256": digest}
    return described
