"""The servable artefact, the only contract between training and serving.

A folder with a manifest that lists every other file with its size and sha256. Weights are
safetensors, tables JSON, the tokenizer as its library saves it; nothing in it can run code, and
nothing is fetched when it is loaded.
"""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import uuid4

from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as safetensors_bytes

from smm4h_core.classify.build import build_classifier
from smm4h_core.classify.ensemble import Rule, rule_from_json, rule_to_json
from smm4h_core.classify.molecule_side import (
    MoleculeSide,
    load_molecule_side,
    open_molecule_side,
    save_molecule_side,
)
from smm4h_core.classify.network import Classifier
from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.drugs.finder import DrugFinder, build_finder
from smm4h_core.drugs.lexicon import load_lexicon, read_lexicon, write_lexicon
from smm4h_core.encoders.base import Tokeniser
from smm4h_core.encoders.load import (
    build_text_encoder,
    check_length,
    load_text_encoder,
    save_text_encoder,
)
from smm4h_core.errors import BundleError, ConfigError, TrainingError
from smm4h_core.model_card import write_model_card
from smm4h_core.storage import Storage
from smm4h_core.training.checkpoint import load_trained_weights, trained_weights

SCHEMA_VERSION = 2
MANIFEST = "manifest.json"
FROZEN = "encoder/frozen.safetensors"
MOLECULES = "molecules"
DRUGS = "drugs"
RECORDED_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "scikit-learn", "numpy")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle with its networks, on the CPU, in evaluation mode."""

    name: str
    """What it is called."""
    version: str
    """Which one of that name."""
    config: RunConfig
    """The configuration it was trained with; normaliser options and lengths come from here."""
    rule: Rule
    """How the members are joined, thresholds included."""
    tokeniser: Tokeniser
    """Cuts normalised texts into word-pieces."""
    networks: tuple[tuple[Classifier, ...], ...]
    """``(S, F)`` members by seed and fold; frozen tables are shared between them."""
    max_length: int
    """Word-pieces per post."""
    finder: DrugFinder
    """Finds the drugs that a post names."""
    molecules: MoleculeSide | None
    """Reads their molecules; None where the networks read text alone."""
    manifest: Mapping[str, Any]
    """The whole manifest, for display."""

    @property
    def label(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"


def save_bundle(
    config: RunConfig,
    members: Sequence[Sequence[Storage]],
    *,
    rule: Rule,
    scores: Mapping[str, Any],
    fingerprint: str,
    weights_name: str,
    folder: Path,
) -> None:
    """Write a bundle; it appears whole, replacing an older one of that folder.

    Args:
        config: The run's configuration.
        members: ``(S, F)`` folders that hold each member's weights, in the rule's order.
        rule: How the members are joined.
        scores: Scores by split, kept for the model card.
        fingerprint: Digest of the training posts.
        weights_name: The weights' file name in a member's folder.
        folder: Where the bundle is to be.

    Raises:
        BundleError: the folder is there and is no bundle.
    """
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise BundleError(f"{folder} exists and is not a bundle; it is not replaced")
    unfinished = folder.with_name(f".{folder.name}.{uuid4().hex}.partial")
    try:
        (unfinished / "members").mkdir(parents=True)
        loaded = load_text_encoder(config.encoder.uri, pooling=config.encoder.pooling)
        if config.encoder.freeze_embeddings:
            loaded.encoder.freeze_embeddings()
        save_text_encoder(loaded, unfinished / "encoder")
        molecules, side = config.molecules, None
        if molecules is not None:
            trains = config.network.trains_molecules
            save_molecule_side(molecules.uri, trained=trains, folder=unfinished / MOLECULES)
            side = load_molecule_side(molecules, trained=trains)
        tables = [Path(table) for table in config.drugs.tables]
        write_lexicon(load_lexicon(tables), unfinished / DRUGS)
        network = build_classifier(config, loaded.encoder, side)
        trained = trained_weights(network)
        frozen = {k: v.contiguous() for k, v in network.state_dict().items() if k not in trained}
        if frozen:
            (unfinished / FROZEN).write_bytes(safetensors_bytes(frozen))
        for seed, folds in zip(config.ensemble.seeds, members, strict=True):
            for fold, storage in enumerate(folds):
                path = unfinished / _member_file(seed, fold)
                with storage.read(weights_name) as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target)
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "name": config.name,
            "version": config.version,
            "task": config.task,
            "languages": list(config.languages),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "packages": {name: metadata.version(name) for name in RECORDED_PACKAGES},
            "labels": ["NoADE", "ADE"] if config.task == "1a" else ["0", "1"],
            "rule": rule_to_json(rule),
            "scores": dict(scores),
            "training_data": fingerprint,
            "terminology": None,
            "configuration": config.model_dump(mode="json"),
        }
        write_model_card(manifest, unfinished / "README.md")
        manifest["files"] = _describe_files(unfinished)
        text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
        (unfinished / MANIFEST).write_text(text, encoding="utf-8")
        replaced = folder.with_name(f"{unfinished.name}.old")
        if folder.exists():
            folder.rename(replaced)
        unfinished.rename(folder)
        shutil.rmtree(replaced, ignore_errors=True)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a bundle's manifest and check its schema; touches no other file.

    Raises:
        BundleError: no manifest, no JSON, or another schema.
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
        raise BundleError(f"{path}: expected schema_version {SCHEMA_VERSION}, got {found!r}")
    return dict(manifest)


def verify_bundle(folder: Path) -> dict[str, Any]:
    """Check that every file is there, and is the one that was written; return the manifest.

    Raises:
        BundleError: naming each file that is missing, altered or not listed.
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


def load_bundle(folder: Path) -> Bundle:
    """Verify a bundle, then build its networks.

    Raises:
        BundleError: saying which file is wrong.
    """
    manifest = verify_bundle(folder)
    try:
        config = config_from_mapping(manifest["configuration"], source=str(folder / MANIFEST))
        rule = rule_from_json(manifest["rule"])
        name, version = str(manifest["name"]), str(manifest["version"])
    except (KeyError, ConfigError) as error:
        raise BundleError(f"{folder / MANIFEST}: {error}") from None
    loaded = build_text_encoder(folder / "encoder")
    if config.encoder.freeze_embeddings:
        loaded.encoder.freeze_embeddings()
    side = None
    if config.molecules is not None:
        side = open_molecule_side(
            config.molecules, trained=config.network.trains_molecules, folder=folder / MOLECULES
        )
    blank = build_classifier(config, loaded.encoder, side)
    if config.encoder.freeze_embeddings:
        _load_frozen(blank, folder / FROZEN)
    networks = tuple(
        tuple(_load_member(blank, folder, seed, fold) for fold in range(config.data.folds))
        for seed in config.ensemble.seeds
    )
    max_length = check_length(config.encoder.max_length, loaded)
    return Bundle(
        name,
        version,
        config,
        rule,
        loaded.tokeniser,
        networks,
        max_length,
        build_finder(read_lexicon(folder / DRUGS)),
        side,
        manifest,
    )


def _load_frozen(blank: Classifier, path: Path) -> None:
    tensors = load_file(path)
    expected = {name: p.shape for name, p in blank.named_parameters() if not p.requires_grad}
    if {name: tensor.shape for name, tensor in tensors.items()} != expected:
        raise BundleError(f"{path}: expected {sorted(expected)}, got {sorted(tensors)}")
    blank.load_state_dict(tensors, strict=False)


def _load_member(blank: Classifier, folder: Path, seed: int, fold: int) -> Classifier:
    shared = {id(p): p for p in blank.parameters() if not p.requires_grad}
    network = copy.deepcopy(blank, shared)  # the memo makes copies share what is frozen
    path = folder / _member_file(seed, fold)
    try:
        load_trained_weights(network, load_file(path))
    except (OSError, SafetensorError, TrainingError) as error:
        raise BundleError(f"{path}: {error}") from None
    network.requires_grad_(False)
    return network.eval()


def _member_file(seed: int, fold: int) -> str:
    return f"members/s{seed}-f{fold}.safetensors"


def _describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    described = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            described[name] = {"size": path.stat().st_size, "sha256": digest}
    return described
