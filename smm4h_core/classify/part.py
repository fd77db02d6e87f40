"""The part of a bundle that says which posts report an ADE: saved, loaded, answering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from smm4h_core.classify.build import build_classifier
from smm4h_core.classify.ensemble import Rule, combine, rule_from_json
from smm4h_core.classify.molecule_side import (
    MoleculeSide,
    load_molecule_side,
    open_molecule_side,
    save_molecule_side,
)
from smm4h_core.classify.molecules import PostMolecules
from smm4h_core.classify.network import Classifier
from smm4h_core.classify.out_of_fold import fold_mean
from smm4h_core.classify.predict import predict_logits
from smm4h_core.classify.probability import Prob, prob_from_logit
from smm4h_core.config import RunConfig
from smm4h_core.encoders.base import Encoding, Tokeniser
from smm4h_core.encoders.inference import ask_each
from smm4h_core.encoders.load import check_length
from smm4h_core.encoders.precision import Precision, choose_dtype
from smm4h_core.encoders.run import (
    NamedBases,
    build_run_encoder,
    carries_base,
    load_run_encoder,
    save_run_encoder,
)
from smm4h_core.encoders.tokenise import tokenise
from smm4h_core.storage import Storage
from smm4h_core.training.stored_networks import load_networks, save_networks
from smm4h_core.types import AdeDecision, DrugMention, Post

MOLECULES = "molecules"


@dataclass(frozen=True, slots=True, eq=False)
class ClassifierPart:
    """An ensemble of classifiers."""

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
    molecules: MoleculeSide | None
    """Reads the molecules of drugs; None where the networks read text alone."""

    @property
    def precisions(self) -> frozenset[Precision]:
        """What the networks multiply in."""
        return frozenset({self.config.training.precision})

    def decide(
        self,
        posts: Sequence[Post],
        drugs: Sequence[Sequence[DrugMention]],
        *,
        device: torch.device,
    ) -> list[AdeDecision]:
        """The ensemble's decision on each post; the networks are on ``device``."""
        encodings = tokenise(
            posts, self.tokeniser, max_length=self.max_length, emoji=self.config.text.emoji
        )
        molecules = self.molecules.read(drugs) if self.molecules else None
        answers = combine(self.rule, self.member_probs(encodings, molecules, device=device))
        return [
            AdeDecision(float(prob), bool(label), int(votes), len(self.networks))
            for prob, label, votes in zip(answers.prob, answers.label, answers.votes, strict=True)
        ]

    def member_probs(
        self,
        encodings: Sequence[Encoding],
        molecules: PostMolecules | None = None,
        *,
        device: torch.device,
    ) -> Prob:
        """Probs ``(N, S)``, one per seed, each the mean over its folds."""
        ask = partial(
            predict_logits,
            encodings=encodings,
            molecules=molecules,
            pad_id=self.tokeniser.pad_id,
            dtype=choose_dtype(self.config.training.precision, device),
            device=device,
        )
        logits = iter(ask_each(ask, list(chain.from_iterable(self.networks)), device=device))
        by_seed = [[prob_from_logit(next(logits)) for _ in folds] for folds in self.networks]
        return fold_mean(Prob(np.moveaxis(np.array(by_seed), -1, 0)))  # (N, S, F) -> (N, S)


def save_classifier(
    config: RunConfig, members: Sequence[Sequence[Storage]], *, weights_name: str, folder: Path
) -> None:
    """Write all but the rule; see `smm4h_core.bundle.save_bundle`."""
    loaded = load_run_encoder(config.encoder)
    save_run_encoder(config.encoder, loaded, folder / "encoder")
    molecules, side = config.molecules, None
    if molecules is not None:
        trains = config.network.trains_molecules
        save_molecule_side(molecules.uri, trained=trains, folder=folder / MOLECULES)
        side = load_molecule_side(molecules, trained=trains)
    save_networks(
        build_classifier(config, loaded.encoder, side),
        members,
        seeds=config.ensemble.seeds,
        weights_name=weights_name,
        folder=folder,
        with_frozen=carries_base(config.encoder),
    )


def load_classifier(
    config: RunConfig,
    rule: Mapping[str, Any],
    folder: Path,
    bases: NamedBases | None = None,
) -> ClassifierPart:
    """Load what `save_classifier` wrote.

    Args:
        config: The run's.
        rule: How the members are joined, as JSON has it.
        folder: The part's.
        bases: Encoders that the bundle's parts share; None shares none.

    Raises:
        BundleError: naming the file, or the key of the rule, that does not fit.
    """
    joined = rule_from_json(rule)
    loaded = build_run_encoder(config.encoder, folder / "encoder", bases)
    side = None
    if config.molecules is not None:
        side = open_molecule_side(
            config.molecules, trained=config.network.trains_molecules, folder=folder / MOLECULES
        )
    networks = load_networks(
        build_classifier(config, loaded.encoder, side),
        seeds=config.ensemble.seeds,
        num_folds=config.data.folds,
        folder=folder,
        with_frozen=carries_base(config.encoder),
    )
    max_length = check_length(config.encoder.max_length, loaded)
    return ClassifierPart(config, joined, loaded.tokeniser, networks, max_length, side)
