"""A post's journey, readable top to bottom. Evaluation, batches and serving all call this."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import torch

from smm4h_core.bundle import Bundle, load_bundle
from smm4h_core.encoders.inference import settle
from smm4h_core.encoders.precision import choose_device
from smm4h_core.errors import DataError
from smm4h_core.link.linker import MentionLinker
from smm4h_core.stages import (
    choose_passed,
    decide,
    extract,
    find_drugs,
    join_reports,
    link,
    link_strings,
    read_posts,
)
from smm4h_core.types import Lang, Link, Post, Report


class Pipeline:
    """Posts in, reports out; settles a bundle's networks on one device, for good."""

    def __init__(self, bundle: Bundle, *, device: torch.device) -> None:
        self.bundle = bundle
        self.device = device
        kinds = (bundle.classifiers, bundle.extractors, bundle.linkers)
        settle([part for parts in kinds for part in parts.values()], device)

    def process(self, posts: Sequence[Post | str], *, extract_all: bool = False) -> list[Report]:
        """One report a post, in order.

        Any number of posts; memory grows with it, so callers with millions hand over pieces.

        Args:
            posts: Posts, or their texts alone, whose ids are then their places from 1.
            extract_all: Seek mentions in posts that the classifier says report no ADE, too.

        Raises:
            DataError: a post that states a language which the bundle does not serve.
        """
        if not posts:
            return []
        parts, device = self.bundle, self.device
        read = read_posts(posts, parts.languages)
        drugs = find_drugs(parts.finder, read)
        decisions = decide(parts.classifiers, read, drugs, device=device)
        passed = choose_passed(decisions, extract_all=extract_all)
        mentions = None
        if parts.extractors:
            kept = [read[place] for place in passed]
            found = extract(parts.extractors, kept, device=device)
            mentions = link(parts.linkers, kept, found, device=device)
        return join_reports(parts.label, read, drugs, decisions, passed, mentions)

    def link(self, mention: str, *, post: str | None = None, lang: Lang | None = None) -> Link:
        """Link a mention given as a string; NIL where nothing is sure enough, or it is empty.

        Args:
            mention: What somebody calls an effect.
            post: The post that it stands in, for linkers that read it.
            lang: Its language; None detects it.

        Raises:
            DataError: a language that the bundle has no linker for.
        """
        chosen = self._language(mention, lang)
        (found,) = link_strings(
            self.bundle.linkers, [mention], [post], [chosen], device=self.device
        )
        return found

    def explain(self, mention: str, *, post: str | None = None, lang: Lang | None = None) -> str:
        """One sentence: which part decided about a mention, by which numbers; see `link`."""
        return self._linker(mention, lang).explain(mention, post, device=self.device)

    def _linker(self, mention: str, lang: Lang | None) -> MentionLinker:
        linkers, chosen = self.bundle.linkers, self._language(mention, lang)
        if chosen not in linkers:
            raise DataError(f"expected a linker for {chosen}, got {', '.join(linkers) or 'none'}")
        return linkers[chosen].linker

    def _language(self, mention: str, lang: Lang | None) -> Lang:
        (read,) = read_posts([Post("mention", mention, lang)], self.bundle.languages)
        assert read.lang is not None
        return read.lang


def load_pipeline(
    folder: Path,
    *,
    device: torch.device | None = None,
    languages: Collection[Lang] | None = None,
) -> Pipeline:
    """Verify and load a bundle, for all or some of its languages, on the GPU if there is one.

    Raises:
        BundleError: saying which file is wrong.
    """
    chosen = device or choose_device()
    return Pipeline(load_bundle(folder, languages=languages), device=chosen)
