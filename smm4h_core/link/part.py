"""The part of a bundle that links mentions to a terminology: saved, loaded, answering."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from smm4h_core.config import RunConfig
from smm4h_core.encoders.load import check_length
from smm4h_core.encoders.precision import Precision
from smm4h_core.encoders.run import (
    NamedBases,
    build_run_encoder,
    carries_base,
    load_run_encoder,
    save_run_encoder,
)
from smm4h_core.errors import BundleError, DataError
from smm4h_core.link.build import (
    build_concepts,
    build_similarity,
    linking_of,
    load_run_terminology,
)
from smm4h_core.link.combine import LearnedRule, rule_from_json
from smm4h_core.link.index import index_files, load_term_index
from smm4h_core.link.lexical import build_lexical_linker
from smm4h_core.link.linker import ConceptMembers, MentionLinker, SimilarMember
from smm4h_core.link.terminology import load_terminology, save_terminology
from smm4h_core.storage import Storage
from smm4h_core.training.stored_networks import load_networks, save_networks
from smm4h_core.types import FoundMention, Post

CONCEPTS = "concepts.json"
"""Concepts of training's mentions, sorted: the order of the classifier's logits."""
INDEX = "index"
"""Folder of a similarity member's terms and vectors."""
TERMINOLOGY = "terminology.parquet"


@dataclass(frozen=True, slots=True, eq=False)
class LinkerPart:
    """An ensemble of linkers."""

    config: RunConfig
    """The configuration it was trained with."""
    linker: MentionLinker
    """Links mentions."""
    seen: frozenset[str]
    """Concepts of the mentions that it learnt from."""

    @property
    def networks(self) -> tuple[tuple[nn.Module, ...], ...]:
        """Similarity encoders, then concept classifiers, by seed."""
        classifier = self.linker.classifier
        sure = classifier.networks if classifier else ()
        return tuple(each.network for each in self.linker.similarity), tuple(sure)

    @property
    def precisions(self) -> frozenset[Precision]:
        """What the networks multiply in."""
        sure = self.linker.classifier
        return frozenset({self.linker.precision, sure.precision if sure else self.linker.precision})

    def link(
        self,
        posts: Sequence[Post],
        mentions: Sequence[Sequence[FoundMention]],
        *,
        device: torch.device,
    ) -> list[tuple[FoundMention, ...]]:
        """Each post's mentions with their links, in order; the networks are on ``device``."""
        texts = [each.mention.text for found in mentions for each in found]
        contexts = [post.text for post, found in zip(posts, mentions, strict=True) for _ in found]
        links = iter(self.linker.link(texts, contexts, device=device))
        return [
            tuple(
                replace(each, mention=replace(each.mention, concept_id=link.concept_id), link=link)
                for each, link in zip(found, links, strict=False)
            )
            for found in mentions
        ]


def save_linker(
    config: RunConfig, members: Sequence[Sequence[Storage]], *, weights_name: str, folder: Path
) -> None:
    """Write all but the rule; see `smm4h_core.bundle.save_bundle`.

    Args:
        config: The run's.
        members: ``(S, P)`` folders of each seed's networks, the similarity encoder's first.
        weights_name: The weights' file name there.
        folder: The part's.
    """
    save_terminology(load_run_terminology(config), folder / TERMINOLOGY)
    seeds = config.ensemble.seeds
    with members[0][0].read(CONCEPTS) as source:
        (folder / CONCEPTS).write_bytes(source.read())
    concept_ids = json.loads((folder / CONCEPTS).read_text(encoding="utf-8"))
    for place, part in enumerate(config.parts):
        loaded = load_run_encoder(config.encoder)
        save_run_encoder(config.encoder, loaded, folder / part / "encoder")
        network: nn.Module = (
            build_similarity(config, loaded.encoder)
            if part == "similarity"
            else build_concepts(config, loaded.encoder, num_concepts=len(concept_ids))
        )
        save_networks(
            network,
            [[own[place]] for own in members],
            seeds=seeds,
            weights_name=weights_name,
            folder=folder / part,
            with_frozen=carries_base(config.encoder),
        )
    for seed, own in zip(seeds, members, strict=True):
        target = folder / index_folder(seed)
        target.mkdir(parents=True)
        for name in index_files(index := own[0].child(INDEX)):
            with index.read(name) as source, (target / name).open("wb") as out:
                shutil.copyfileobj(source, out)


def load_linker(
    config: RunConfig,
    rule: Mapping[str, Any],
    folder: Path,
    bases: NamedBases | None = None,
) -> LinkerPart:
    """Load what `save_linker` wrote.

    Args:
        config: The run's.
        rule: How the members are joined, as JSON has it.
        folder: The part's.
        bases: Encoders that the bundle's parts share; None shares none.

    Raises:
        BundleError: naming the file, or the key of the rule, that does not fit.
    """
    joined = rule_from_json(rule)
    linking = linking_of(config)
    try:
        terminology = load_terminology(folder / TERMINOLOGY)
        concept_ids = tuple(json.loads((folder / CONCEPTS).read_text(encoding="utf-8")))
        indexes = [load_term_index(folder / index_folder(each)) for each in config.ensemble.seeds]
        # Learnt by the codes of their day: an updated terminology may have merged some, or
        # withdrawn them.
        learnt = [terminology.concept(each) for each in concept_ids]
    except (DataError, OSError, ValueError) as error:
        raise BundleError(f"{folder}: {error}") from None
    loaded = build_run_encoder(config.encoder, folder / "similarity" / "encoder", bases)
    reads_cosines = linking.classifier is not None and linking.classifier.cosines
    reads_lexical = linking.lexical and isinstance(joined, LearnedRule)
    cosines = build_lexical_linker(terminology) if reads_cosines else None
    lexical = cosines
    if reads_lexical and linking.lexical_mentions:
        entries = [entry for entry in indexes[0].entries if entry is not None]
        lexical = build_lexical_linker(terminology, entries=entries)
    elif reads_lexical:
        lexical = cosines or build_lexical_linker(terminology)
    similar = load_networks(
        build_similarity(config, loaded.encoder),
        seeds=config.ensemble.seeds,
        num_folds=1,
        folder=folder / "similarity",
        with_frozen=carries_base(config.encoder),
    )
    classifier = None
    if linking.classifier is not None:
        encoder = build_run_encoder(
            config.encoder, folder / "classifier" / "encoder", bases
        ).encoder
        networks = load_networks(
            build_concepts(config, encoder, num_concepts=len(concept_ids)),
            seeds=config.ensemble.seeds,
            num_folds=1,
            folder=folder / "classifier",
            with_frozen=carries_base(config.encoder),
        )
        classifier = ConceptMembers(
            tuple(network for (network,) in networks),
            tuple(each.concept_id if each.is_proposed else None for each in learnt),
            tuple(each.name for each in learnt),
            linking.classifier.context,
            cosines,
            linking.classifier.training.precision,
        )
    linker = MentionLinker(
        terminology=terminology,
        rule=joined,
        tokeniser=loaded.tokeniser,
        max_length=check_length(config.encoder.max_length, loaded),
        precision=config.training.precision,
        similarity=tuple(
            SimilarMember(network, index)
            for (network,), index in zip(similar, indexes, strict=True)
        ),
        classifier=classifier,
        lexical=lexical if reads_lexical else None,
    )
    return LinkerPart(config, linker, frozenset(each.concept_id for each in learnt))


def terminology_label(folder: Path) -> str:
    """``name@version`` of the terminology that a linker's folder holds."""
    return load_terminology(folder / TERMINOLOGY).label


def index_folder(seed: int) -> str:
    """Where a seed's terms and vectors lie below the part's folder."""
    return f"{INDEX}/s{seed}"
