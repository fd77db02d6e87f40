"""The ingress's journey: the steps of `Pipeline.process`, the networks' asked elsewhere.

Knows nothing of Ray: whatever can be asked and awaited may stand for a deployment.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from serve.messages import Answer, Asked, Timings
from serve.settings import Kind
from serve.shelf import Held, MissingBundleError, Shelf
from smm4h_core.bundle import open_bundle
from smm4h_core.drugs.finder import DrugFinder
from smm4h_core.errors import BundleError, DataError, Smm4hError
from smm4h_core.stages import choose_passed, find_drugs, join_reports, read_posts
from smm4h_core.text.language import detect_language
from smm4h_core.types import Lang, Link, Post, Report

R = TypeVar("R")

WARM_UP = "seroquel made me sleep, болит голова"
"""Read once before a bundle is used."""

ATTEMPTS = 3
"""How often a request is begun: a replica may die, and a change of bundles may be under way."""


class Ask(Protocol):
    """Something that answers as `serve.part.PartServer.answer` does.

    It may be given another's answer that is not there yet.
    """

    def __call__(
        self, asked: Asked, found: Awaitable[Answer] | None = None, /
    ) -> Awaitable[Answer]:
        """Ask; the answer comes to whoever awaits it."""


@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """What the ingress itself knows of a bundle."""

    languages: tuple[Lang, ...]
    """Languages served."""
    kinds: frozenset[str]
    """Kinds of its parts."""
    finder: DrugFinder
    """Finds the drugs that a post names."""
    manifest: Mapping[str, Any]
    """What ``GET /v1/bundle`` tells of."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How far a request is to go."""

    classify: bool = True
    """Ask the classifier."""
    extract: bool = True
    """Seek mentions in posts that pass."""
    link: bool = True
    """Link them."""
    extract_all: bool = False
    """Seek mentions in posts that do not pass, too."""


class Graph:
    """Answers posts by asking the parts of a bundle."""

    def __init__(
        self,
        bundle: Path,
        parts: Mapping[Kind, Ask],
        *,
        lost: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._first = bundle
        self._parts = parts
        self._lost = lost
        self.shelf: Shelf[Front] = Shelf(self._load)

    @property
    def front(self) -> Held[Front]:
        """What is in use."""
        return self.shelf.current

    def use(self, bundle: Path | None, digest: str | None = None) -> None:
        """Take a bundle; one that cannot be had leaves the one in use, and is told of.

        Args:
            bundle: Its folder; None for the first one's.
            digest: Which one it is; None for what lies there now.

        Raises:
            Smm4hError: nothing could be loaded at all.
        """
        try:
            self.shelf.put(bundle or self._first, digest)
        except Smm4hError as error:
            self.shelf.refused = str(error)
            if self.shelf.held:
                return
            if bundle is None or bundle == self._first:
                raise
            self.shelf.put(self._first)
        else:
            self.shelf.refused = None

    async def process(
        self, posts: Sequence[Post], wanted: Wanted | None = None
    ) -> tuple[list[Report], Timings]:
        """One report a post, in order, as `Pipeline.process` gives it.

        Raises:
            DataError: a post of a language that is not served.
        """
        asked = wanted or Wanted()
        return await self._attempt(lambda held: self._process(held, posts, asked))

    async def link(
        self, mentions: Sequence[Post], contexts: Sequence[str | None]
    ) -> tuple[list[Link], Timings, str]:
        """A link for each mention given as a string, and the bundle's label.

        Raises:
            DataError: a mention of a language that is not served, or no linker at all.
        """
        return await self._attempt(lambda held: self._link(held, mentions, contexts))

    async def _process(
        self, held: Held[Front], posts: Sequence[Post], wanted: Wanted
    ) -> tuple[list[Report], Timings]:
        front, digest, timings = held.value, held.digest, Timings()
        read = read_posts(posts, front.languages)
        drugs = find_drugs(front.finder, read)
        decisions: Sequence[Any] = [None] * len(read)
        if wanted.classify and "classifier" in front.kinds and read:
            decided = await self._parts["classifier"](Asked(digest, tuple(read), tuple(drugs)))
            decisions, timings = decided.values, timings + decided.timings
        passed = choose_passed(decisions, extract_all=wanted.extract_all)
        mentions: Sequence[Any] | None = None
        if wanted.extract and "extractor" in front.kinds:
            mentions = ()
            if kept := tuple(read[place] for place in passed):
                found = self._parts["extractor"](Asked(digest, kept))
                if wanted.link and "linker" in front.kinds:
                    found = self._parts["linker"](Asked(digest, kept), found)
                answer = await found
                mentions, timings = answer.values, timings + answer.timings
        reports = join_reports(held.label, read, drugs, decisions, passed, mentions)
        return reports, timings

    async def _link(
        self, held: Held[Front], mentions: Sequence[Post], contexts: Sequence[str | None]
    ) -> tuple[list[Link], Timings, str]:
        if "linker" not in held.value.kinds:
            raise DataError(f"expected a bundle with a linker, got {held.label} without one")
        read = read_posts(mentions, held.value.languages)
        asked = Asked(held.digest, tuple(read), tuple(contexts), strings=True)
        answer = await self._parts["linker"](asked)
        return list(answer.values), answer.timings, held.label

    async def _attempt(self, journey: Callable[[Held[Front]], Awaitable[R]]) -> R:
        attempt, held = 1, self.shelf.current
        while True:
            try:
                answer = await journey(held)
                self.shelf.note_answered(held.digest)
                return answer
            except MissingBundleError:
                # A change is under way: some replica has the new bundle not yet, or, where this
                # ingress is late itself, the old one no longer.
                if attempt >= ATTEMPTS:
                    raise
                others = [each for each in self.shelf.held if each.digest != held.digest]
                held = others[0] if others else held
            except self._lost:
                if attempt >= ATTEMPTS:
                    raise
            attempt += 1

    def _load(self, folder: Path) -> Held[Front]:
        opened = open_bundle(folder)
        if opened.kinds != set(self._parts):  # one of fewer would leave mentions out unasked
            raise BundleError(
                f"{folder}: expected the parts {', '.join(sorted(self._parts))}, got "
                f"{', '.join(sorted(opened.kinds))}; other kinds of parts need a new deployment"
            )
        finder = opened.load_finder()
        # The model of languages and the finder's tables are read on first use, which is not to be
        # somebody's first post.
        detect_language(WARM_UP, ("en", "ru"))
        for lang in opened.languages:
            finder.find(WARM_UP, lang=lang)
        front = Front(opened.languages, opened.kinds, finder, opened.manifest)
        return Held(str(opened.manifest["sha256"]), opened.label, folder, front)
