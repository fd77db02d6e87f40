"""A post's journey, readable top to bottom. Evaluation, batches and serving all call this."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch

from smm4h_core.bundle import Bundle, load_bundle
from smm4h_core.errors import DataError
from smm4h_core.extract.context import mark_context
from smm4h_core.extract.drug_of import mark_drugs
from smm4h_core.link.linker import MentionLinker
from smm4h_core.text.language import detect_language
from smm4h_core.types import AdeDecision, DrugMention, FoundMention, Lang, Link, Post, Report

P = TypeVar("P")
A = TypeVar("A")


class Pipeline:
    """Posts in, reports out; holds a bundle's networks on one device."""

    def __init__(self, bundle: Bundle, *, device: torch.device) -> None:
        self.bundle = bundle
        self.device = device
        for parts in (bundle.classifiers, bundle.extractors, bundle.linkers):
            for part in parts.values():
                for seed in part.networks:
                    for network in seed:
                        network.to(device)

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
        read = [self._read(place, post) for place, post in enumerate(posts, start=1)]
        drugs = [self.bundle.finder.find(post.text, lang=post.lang) for post in read]
        decisions = _ask(
            self.bundle.classifiers,
            read,
            lambda part, chosen: part.decide(
                [read[n] for n in chosen], [drugs[n] for n in chosen], device=self.device
            ),
        )
        mentions = self._find_mentions(read, drugs, decisions, extract_all=extract_all)
        return [
            Report(
                post_id=post.post_id,
                lang=post.lang,
                ade=decision,
                drugs=named,
                bundle=self.bundle.label,
                mentions=found,
            )
            for post, decision, named, found in zip(read, decisions, drugs, mentions, strict=True)
        ]

    def link(self, mention: str, *, post: str | None = None, lang: Lang | None = None) -> Link:
        """Link a mention given as a string; NIL where nothing is sure enough, or it is empty.

        Args:
            mention: What somebody calls an effect.
            post: The post that it stands in, for linkers that read it.
            lang: Its language; None detects it.

        Raises:
            DataError: a language that the bundle has no linker for.
        """
        (link,) = self._linker(mention, lang).link([mention], [post], device=self.device)
        return link

    def explain(self, mention: str, *, post: str | None = None, lang: Lang | None = None) -> str:
        """One sentence: which part decided about a mention, by which numbers; see `link`."""
        return self._linker(mention, lang).explain(mention, post, device=self.device)

    def _linker(self, mention: str, lang: Lang | None) -> MentionLinker:
        linkers = self.bundle.linkers
        chosen = self._read(1, Post("mention", mention, lang)).lang
        if chosen is None or chosen not in linkers:
            raise DataError(f"expected a linker for {chosen}, got {', '.join(linkers) or 'none'}")
        return linkers[chosen].linker

    def _find_mentions(
        self,
        posts: Sequence[Post],
        drugs: Sequence[Sequence[DrugMention]],
        decisions: Sequence[AdeDecision | None],
        *,
        extract_all: bool,
    ) -> list[tuple[FoundMention, ...] | None]:
        if not self.bundle.extractors:
            return [None] * len(posts)
        passed = [
            n for n, each in enumerate(decisions) if extract_all or each is None or each.is_ade
        ]
        kept = [posts[n] for n in passed]
        found = _ask(
            self.bundle.extractors,
            kept,
            lambda part, chosen: part.extract([kept[n] for n in chosen], device=self.device),
        )
        sought = [
            mark_drugs(post, mark_context(post, each or ()), drugs[place])
            for place, post, each in zip(passed, kept, found, strict=True)
        ]
        linked = _ask(
            self.bundle.linkers,
            kept,
            lambda part, chosen: part.link(
                [kept[n] for n in chosen], [sought[n] for n in chosen], device=self.device
            ),
        )
        mentions: list[tuple[FoundMention, ...] | None] = [()] * len(posts)
        for place, unlinked, link in zip(passed, sought, linked, strict=True):
            mentions[place] = unlinked if link is None else link
        return mentions

    def _read(self, place: int, given: Post | str) -> Post:
        post = Post(str(place), given) if isinstance(given, str) else given
        served = self.bundle.languages
        lang: Lang | None = post.lang
        if lang is None:
            lang = served[0] if len(served) == 1 else detect_language(post.text, served)
        if lang not in served:
            raise DataError(
                f"post {post.post_id!r}: expected one of the bundle's languages, "
                f"{', '.join(served)}; got {lang}"
            )
        return post if post.lang == lang else replace(post, lang=lang)


def _ask(
    parts: Mapping[Lang, P],
    posts: Sequence[Post],
    answer: Callable[[P, Sequence[int]], Sequence[A]],
) -> list[A | None]:
    """Each part's answers on the posts of its languages, in the posts' order; None without one."""
    chosen: dict[int, list[int]] = {}
    part_of: dict[int, P] = {}
    for place, post in enumerate(posts):
        part = parts.get(post.lang) if post.lang else None
        if part is not None:
            part_of[id(part)] = part
            chosen.setdefault(id(part), []).append(place)
    answers: list[A | None] = [None] * len(posts)
    for key, places in chosen.items():
        for place, each in zip(places, answer(part_of[key], places), strict=True):
            answers[place] = each
    return answers


def load_pipeline(folder: Path, *, device: torch.device | None = None) -> Pipeline:
    """Verify and load a bundle, on the GPU if there is one.

    Raises:
        BundleError: saying which file is wrong.
    """
    chosen = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Pipeline(load_bundle(folder), device=chosen)
