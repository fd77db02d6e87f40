"""All that one member of a classification run trains with and answers on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from smm4h_core.classify.build import build_classifier
from smm4h_core.classify.molecule_side import load_molecule_side
from smm4h_core.classify.molecules import PostMolecules
from smm4h_core.classify.network import (
    Classifier,
    LabelledBatch,
    classification_loss,
    make_batch,
)
from smm4h_core.classify.predict import predict_logits
from smm4h_core.classify.probability import Logit, prob_from_logit
from smm4h_core.config import RunConfig, TrainingConfig
from smm4h_core.drugs.finder import load_finder
from smm4h_core.encoders.base import Encoding
from smm4h_core.encoders.load import check_length
from smm4h_core.encoders.run import load_run_encoder
from smm4h_core.encoders.tokenise import tokenise
from smm4h_core.evaluation.classification import score_labels
from smm4h_core.members.data import RunPosts, labels_of
from smm4h_core.members.predictions import Predictions, SplitName, write_predictions
from smm4h_core.storage import Storage, open_storage
from smm4h_core.text.batching import training_batches
from smm4h_core.types import AnnotatedPost

MEMBER_THRESHOLD = 0.5
"""Cut on prob at which epochs are compared; the paper's threshold throughout."""

MOLECULE_CACHE = "molecules"
"""Folder below the storage location for vectors of molecules, shared by all runs."""


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPosts:
    """Posts of one use, tokenised."""

    posts: tuple[AnnotatedPost, ...]
    """As read."""
    encodings: list[Encoding]
    """Their word-pieces, in order."""
    labels: NDArray[np.bool_]
    """``(N,)`` gold labels."""
    molecules: PostMolecules | None = None
    """Their molecules; None for a network of text alone."""

    @property
    def num_truncated(self) -> int:
        """Posts whose end did not fit the encoder's length."""
        return sum(encoding.truncated for encoding in self.encodings)


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """A network with its posts; ``training.fit`` takes its methods as callbacks."""

    network: Classifier
    """Seeded, on ``device``."""
    train: EncodedPosts
    """What it learns from."""
    choosing: EncodedPosts
    """Dev posts, or the fold held out."""
    choosing_split: SplitName
    """``dev`` or ``oof``."""
    test: EncodedPosts | None
    """Posts reported on; predicted once, at the end."""
    training: TrainingConfig
    """Batches, sampling."""
    seed: int
    """The member's seed."""
    pad_id: int
    """Fills a batch."""
    dtype: torch.dtype
    """Of matrix products."""
    device: torch.device
    """Where the network is."""

    @property
    def num_truncated(self) -> int:
        """Posts of any use whose end did not fit."""
        return sum(use.num_truncated for use in self._uses())

    @property
    def num_with_molecule(self) -> int | None:
        """Posts of any use that name a drug whose molecule is known; None for text alone."""
        counts = [use.molecules.num_found for use in self._uses() if use.molecules]
        return sum(counts) if counts else None

    def plan(self, epoch: int) -> list[list[int]]:
        """Indices into ``train`` of each batch of an epoch."""
        return training_batches(
            [len(encoding.input_ids) for encoding in self.train.encodings],
            self.train.labels.tolist(),
            batch_tokens=self.training.batch_tokens,
            batch_posts=self.training.batch_posts,
            oversample=self.training.oversample,
            seed=self.seed,
            epoch=epoch,
        )

    def num_steps(self, epoch: int) -> int:
        """As many as `draw_batches` gives."""
        return len(self.plan(epoch))

    def draw_batches(self, epoch: int) -> Iterator[LabelledBatch]:
        """The epoch's batches, made as they are asked for."""
        molecules = self.train.molecules
        for indices in self.plan(epoch):
            yield make_batch(
                [self.train.posts[i].post.post_id for i in indices],
                [self.train.encodings[i] for i in indices],
                [bool(self.train.labels[i]) for i in indices],
                pad_id=self.pad_id,
                device=self.device,
                molecules=molecules.batch(indices, self.device) if molecules else None,
            )

    def loss(self, network: nn.Module, batch: LabelledBatch) -> Tensor:
        """Cross-entropy of a batch."""
        return classification_loss(network, batch)

    def choosing_f1(self) -> float:
        """F1 at 0.5 on the choosing posts."""
        prob = prob_from_logit(self._logits(self.choosing))
        return score_labels(self.choosing.labels, prob >= MEMBER_THRESHOLD).f1

    def predictions(self) -> list[Predictions]:
        """The network's answers on the choosing posts and, where there are any, the test posts."""
        uses = [(self.choosing_split, self.choosing)]
        if self.test is not None:
            uses.append(("test", self.test))
        return [
            Predictions(
                split=split,
                post_ids=tuple(each.post.post_id for each in encoded.posts),
                groups=tuple(each.group for each in encoded.posts),
                gold=encoded.labels,
                logits=self._logits(encoded),
            )
            for split, encoded in uses
        ]

    def finish(self) -> None:
        """Nothing: the kept epoch's weights answer."""

    def write_predictions(self, storage: Storage) -> None:
        """Store `predictions` in the member's folder."""
        write_predictions(storage, self.predictions())

    def facts(self) -> dict[str, Any]:
        """What the member's record says of its posts."""
        return {
            "num_train_posts": len(self.train.posts),
            "num_truncated": self.num_truncated,
            "num_with_molecule": self.num_with_molecule,
        }

    def _uses(self) -> list[EncodedPosts]:
        return [use for use in (self.train, self.choosing, self.test) if use is not None]

    def _logits(self, encoded: EncodedPosts) -> Logit:
        return predict_logits(
            self.network,
            encoded.encodings,
            molecules=encoded.molecules,
            pad_id=self.pad_id,
            dtype=self.dtype,
            device=self.device,
        )


def build_classification(
    config: RunConfig,
    posts: RunPosts,
    *,
    seed: int,
    fold: int,
    device: torch.device,
    dtype: torch.dtype,
) -> Classification:
    """Tokenise a run's posts and build the network; seed torch before.

    Raises:
        DataError: a post without a label, or a table of drugs that does not fit.
        EncoderError: an encoder that cannot be loaded, or is shorter than ``max_length``.
    """
    train, choosing = posts.parted(fold)
    loaded = load_run_encoder(config.encoder)
    molecules, finder = None, None
    if config.molecules is not None:
        molecules = load_molecule_side(
            config.molecules,
            trained=config.network.trains_molecules,
            cache=open_storage(config.storage).child(MOLECULE_CACHE),
        )
        finder = load_finder([Path(table) for table in config.drugs.tables])
    network = build_classifier(config, loaded.encoder, molecules).to(device)
    max_length = check_length(config.encoder.max_length, loaded)

    def encode(annotated: tuple[AnnotatedPost, ...]) -> EncodedPosts:
        plain = [each.post for each in annotated]
        return EncodedPosts(
            posts=annotated,
            encodings=tokenise(
                plain, loaded.tokeniser, max_length=max_length, emoji=config.text.emoji
            ),
            labels=np.array(labels_of(annotated), dtype=np.bool_),
            molecules=molecules.read([finder.find(post.text, lang=post.lang) for post in plain])
            if molecules and finder
            else None,
        )

    return Classification(
        network=network,
        train=encode(train),
        choosing=encode(choosing),
        choosing_split=posts.choosing_split,
        test=encode(posts.test) if posts.test else None,
        training=config.training,
        seed=seed,
        pad_id=loaded.tokeniser.pad_id,
        dtype=dtype,
        device=device,
    )
