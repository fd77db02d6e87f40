"""A post's journey, readable top to bottom. Evaluation, batches and serving all call this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from smm4h_core.bundle import Bundle, load_bundle
from smm4h_core.errors import DataError
from smm4h_core.types import FoundMention, Post, Report


class Pipeline:
    """Posts in, reports out; holds a bundle's networks on one device."""

    def __init__(self, bundle: Bundle, *, device: torch.device) -> None:
        self.bundle = bundle
        self.device = device
        self.languages = frozenset(bundle.languages)
        for part in (bundle.classifier, bundle.extractor, bundle.linker):
            for seed in part.networks if part else ():
                for network in seed:
                    network.to(device)

    def process(self, posts: Sequence[Post]) -> list[Report]:
        """One report a post, in order.

        Any number of posts; memory grows with it, so callers with millions hand over pieces.

        Raises:
            DataError: a post in a language that the bundle does not serve, or that states none
                where the bundle serves several.
        """
        if not posts:
            return []
        classifier, extractor = self.bundle.classifier, self.bundle.extractor
        posts = [self._with_lang(post) for post in posts]
        drugs = [self.bundle.finder.find(post.text, lang=post.lang) for post in posts]
        nothing = [None] * len(posts)
        decisions = classifier.decide(posts, drugs, device=self.device) if classifier else nothing
        mentions = self._mentions(posts) if extractor else nothing
        return [
            Report(
                post_id=post.post_id,
                lang=post.lang,
                ade=decision,
                drugs=named,
                bundle=self.bundle.label,
                mentions=found,
            )
            for post, decision, named, found in zip(posts, decisions, drugs, mentions, strict=True)
        ]

    def _mentions(self, posts: Sequence[Post]) -> list[tuple[FoundMention, ...]]:
        extractor, linker = self.bundle.extractor, self.bundle.linker
        assert extractor is not None
        found = extractor.extract(posts, device=self.device)
        return linker.link(posts, found, device=self.device) if linker else found

    def _with_lang(self, post: Post) -> Post:
        if post.lang in self.languages:
            return post
        if post.lang is None and len(self.languages) == 1:
            (only,) = self.languages
            return replace(post, lang=only)
        raise DataError(
            f"post {post.post_id!r}: expected its language, one of "
            f"{', '.join(sorted(self.languages))}; got {post.lang or 'none'}"
        )


def load_pipeline(folder: Path, *, device: torch.device | None = None) -> Pipeline:
    """Verify and load a bundle, on the GPU if there is one.

    Raises:
        BundleError: saying which file is wrong.
    """
    chosen = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Pipeline(load_bundle(folder), device=chosen)
