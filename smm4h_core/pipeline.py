"""A post's journey, readable top to bottom. Evaluation, batches and serving all call this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from smm4h_core.bundle import Bundle, load_bundle
from smm4h_core.classify.ensemble import combine
from smm4h_core.classify.molecules import PostMolecules
from smm4h_core.classify.out_of_fold import fold_mean
from smm4h_core.classify.predict import predict_logits
from smm4h_core.classify.probability import Prob, prob_from_logit
from smm4h_core.encoders.base import Encoding
from smm4h_core.encoders.tokenise import tokenise
from smm4h_core.errors import DataError
from smm4h_core.training.precision import choose_dtype
from smm4h_core.types import AdeDecision, Post, Report


class Pipeline:
    """Posts in, reports out; holds a bundle's networks on one device."""

    def __init__(self, bundle: Bundle, *, device: torch.device) -> None:
        self.bundle = bundle
        self.device = device
        self.dtype = choose_dtype(bundle.config.training.precision, device)
        self.languages = frozenset(bundle.config.languages)
        for seed in bundle.networks:
            for network in seed:
                network.to(device)

    def process(self, posts: Sequence[Post]) -> list[Report]:
        """One report a post, in order.

        Any number of posts; memory grows with it, so callers with millions hand over pieces.

        Raises:
            DataError: a post that states no language, where the bundle serves several.
        """
        if not posts:
            return []
        posts = [self._with_lang(post) for post in posts]
        drugs = [self.bundle.finder.find(post.text, lang=post.lang) for post in posts]
        encodings = tokenise(
            posts,
            self.bundle.tokeniser,
            max_length=self.bundle.max_length,
            emoji=self.bundle.config.text.emoji,
        )
        side = self.bundle.molecules
        probs = self.member_probs(encodings, side.read(drugs) if side else None)
        decisions = combine(self.bundle.rule, probs)
        num_members = len(self.bundle.networks)
        return [
            Report(
                post_id=post.post_id,
                lang=post.lang,
                ade=AdeDecision(float(prob), bool(label), int(votes), num_members),
                drugs=named,
                bundle=self.bundle.label,
            )
            for post, prob, label, votes, named in zip(
                posts, decisions.prob, decisions.label, decisions.votes, drugs, strict=True
            )
        ]

    def _with_lang(self, post: Post) -> Post:
        if post.lang is not None:
            return post
        if len(self.languages) > 1:
            raise DataError(
                f"post {post.post_id!r}: expected its language, one of {sorted(self.languages)}"
            )
        (only,) = self.languages
        return replace(post, lang=only)

    def member_probs(
        self, encodings: Sequence[Encoding], molecules: PostMolecules | None = None
    ) -> Prob:
        """Probs ``(N, S)``, one per seed, each the mean over its folds."""
        pad_id = self.bundle.tokeniser.pad_id
        by_seed = [
            [
                prob_from_logit(
                    predict_logits(
                        network,
                        encodings,
                        molecules=molecules,
                        pad_id=pad_id,
                        dtype=self.dtype,
                        device=self.device,
                    )
                )
                for network in folds
            ]
            for folds in self.bundle.networks
        ]
        return fold_mean(Prob(np.moveaxis(np.array(by_seed), -1, 0)))  # (N, S, F) -> (N, S)


def load_pipeline(folder: Path, *, device: torch.device | None = None) -> Pipeline:
    """Verify and load a bundle, on the GPU if there is one.

    Raises:
        BundleError: saying which file is wrong.
    """
    chosen = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Pipeline(load_bundle(folder), device=chosen)
