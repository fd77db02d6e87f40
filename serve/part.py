"""One kind of a bundle's parts, loaded and answering; knows nothing of Ray."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from serve.batcher import Batcher
from serve.messages import Answer, Asked, PartError, Timings
from serve.rules import change_rules
from serve.settings import Kind, PartSettings, read_settings
from serve.shelf import Held, MissingBundleError, Shelf
from serve.timed import TokeniserClock, time_part
from smm4h_core.bundle import open_bundle
from smm4h_core.errors import BundleError, Smm4hError
from smm4h_core.memory import give_back_memory
from smm4h_core.types import Lang, Post

WARM_UP = ("seroquel made me sleep", "болит голова " * 40)
"""What a part answers before it is ready: one short post, one of many word-pieces."""
GIVE_BACK_S = 1.0
"""Seconds of answering after which memory is given back; a part would double within minutes."""
STUCK_S = 120.0
"""Seconds after which a batch counts as stuck; the largest takes about ten on two cores."""


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A part of each language."""

    bare: Mapping[Lang, Any]
    """As the bundle has them."""
    used: Mapping[Lang, Any]
    """With the changes to their rules."""
    clock: TokeniserClock
    """Measures the tokenisers of all of them."""


class PartServer:
    """Answers what the ingress asks of one kind of parts."""

    def __init__(self, kind: Kind, bundle: Path) -> None:
        from smm4h_core.encoders.precision import choose_device

        self.kind: Kind = kind
        self.device = choose_device()
        self._first = bundle
        self._settings = PartSettings()
        self._given_back = time.monotonic()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=kind)
        self._shelf: Shelf[Loaded] = Shelf(self._load)
        self._batcher: Batcher[tuple[Asked, tuple[Any, ...]], tuple[tuple[Any, ...], Timings]]
        self._batcher = Batcher(
            self._answer_batch,
            lambda each: sum(16 + len(post.text) for post in each[0].posts),
            budget=self._settings.batch_chars,
            wait_s=self._settings.batch_wait_s,
        )

    async def reconfigure(self, told: Mapping[str, Any]) -> None:
        """Take a ``user_config``, as `serve.settings.PartSettings`.

        What cannot be had leaves everything as it was, and is told by `state`.

        Raises:
            Smm4hError: nothing could be loaded at all.
        """
        settings = PartSettings()
        try:
            settings = read_settings(PartSettings, told)
            await asyncio.to_thread(self._apply, settings)
        except Smm4hError as error:
            self._shelf.refused = str(error)
            if not self._shelf.held:  # a new replica while the change is broken: the first bundle
                if (settings.bundle or self._first) == self._first:
                    raise
                await asyncio.to_thread(self._apply, PartSettings())
                self._shelf.refused = str(error)
            return
        self._shelf.refused = None
        self._batcher.budget = settings.batch_chars
        self._batcher.wait_s = settings.batch_wait_s

    async def answer(self, asked: Asked, found: Answer | None = None) -> Answer:
        """The stage's answer on each post.

        Args:
            asked: Posts and what belongs to them.
            found: To a linker, the extractor's answer, as it comes from there.

        Raises:
            MissingBundleError: the bundle asked for is not held.
            PartError: anything else.
        """
        given = asked.given if found is None else found.values
        try:
            self._shelf.take(asked.digest)
            (values, timings), waited = await self._batcher.ask((asked, given))
        except (MissingBundleError, PartError):
            raise
        except Exception as error:
            # Its words, and its cause's, may hold a post, and Ray writes errors into files.
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(last.filename).name}:{last.lineno}"
            raise PartError(f"{self.kind}: {type(error).__name__} at {where}") from None
        before = found.timings if found else Timings()
        return Answer(values, before + timings + Timings(queue=waited))

    def state(self) -> dict[str, Any]:
        """What this replica holds."""
        current = self._shelf.current
        return {
            "part": self.kind,
            "bundle": current.label,
            "sha256": current.digest,
            "held": [each.label for each in self._shelf.held],
            "rule": self._settings.rule.model_dump(exclude_none=True),
            "rule_of": {
                lang: each.model_dump(exclude_none=True)
                for lang, each in self._settings.rule_of.items()
            },
            "batch_chars": self._batcher.budget,
            "device": str(self.device),
            "refused": self._shelf.refused,
        }

    def check_health(self) -> None:
        """Raise where this replica should be replaced.

        Raises:
            RuntimeError: a batch never ends.
        """
        if self._batcher.busy_s() > STUCK_S:
            raise RuntimeError(f"{self.kind}: a batch has taken {self._batcher.busy_s():.0f} s")

    def _apply(self, settings: PartSettings) -> None:
        before, self._settings = self._settings, settings
        try:
            # A new one takes the rule as it loads.
            self._shelf.put(settings.bundle or self._first, settings.sha256)
            used = change_rules(self._shelf.current.value.bare, settings)
        except Smm4hError:
            self._settings = before
            raise
        self._shelf.change(lambda old: replace(old, used=used))

    def _load(self, folder: Path) -> Held[Loaded]:
        from smm4h_core.encoders.inference import settle

        opened = open_bundle(folder)
        if self.kind not in opened.kinds:
            raise BundleError(
                f"{folder}: expected a {self.kind}, got {', '.join(sorted(opened.kinds))}; "
                "other kinds of parts need a new deployment"
            )
        loaders = {
            "classifier": opened.load_classifiers,
            "extractor": opened.load_extractors,
            "linker": opened.load_linkers,
        }
        clock = TokeniserClock()
        parts: Mapping[Lang, Any] = loaders[self.kind]()
        settle(list(parts.values()), self.device)
        timed = {id(part): time_part(part, clock) for part in parts.values()}
        parts = {lang: timed[id(part)] for lang, part in parts.items()}
        loaded = Loaded(parts, change_rules(parts, self._settings), clock)
        for lang in parts:
            posts = tuple(Post(str(n), text, lang) for n, text in enumerate(WARM_UP))
            self._run(loaded, posts, ((),) * len(posts), strings=False)
        return Held(str(opened.manifest["sha256"]), opened.label, folder, loaded)

    async def _answer_batch(
        self, batch: Sequence[tuple[Asked, tuple[Any, ...]]]
    ) -> list[tuple[tuple[Any, ...], Timings]]:
        # Each thread that calls torch has memory and helpers of its own: let it be one.
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._answer_now, batch
        )

    def _answer_now(
        self, batch: Sequence[tuple[Asked, tuple[Any, ...]]]
    ) -> list[tuple[tuple[Any, ...], Timings]]:
        groups: dict[tuple[str, bool], list[int]] = {}
        for place, (asked, _) in enumerate(batch):
            groups.setdefault((asked.digest, asked.strings), []).append(place)
        answers: dict[int, tuple[tuple[Any, ...], Timings]] = {}
        for (digest, strings), places in groups.items():
            loaded = self._shelf.take(digest)
            posts = [post for place in places for post in batch[place][0].posts]
            given = [each for place in places for each in batch[place][1]]
            with loaded.clock.measured() as took:
                values = iter(self._run(loaded, posts, given, strings=strings))
            for place in places:
                own = tuple(next(values) for _ in batch[place][0].posts)
                answers[place] = (own, Timings(tokenise=took.tokenise_s, infer=took.rest_s))
        if time.monotonic() - self._given_back >= GIVE_BACK_S:
            give_back_memory()
            self._given_back = time.monotonic()
        return [answers[place] for place in range(len(batch))]

    def _run(
        self, loaded: Loaded, posts: Sequence[Post], given: Sequence[Any], *, strings: bool
    ) -> Sequence[Any]:
        from smm4h_core import stages

        if self.kind == "classifier":
            return stages.decide(loaded.used, posts, given, device=self.device)
        if self.kind == "extractor":
            return stages.extract(loaded.used, posts, device=self.device)
        if not strings:
            return stages.link(loaded.used, posts, given, device=self.device)
        texts, languages = [post.text for post in posts], [post.lang or "en" for post in posts]
        return stages.link_strings(loaded.used, texts, given, languages, device=self.device)
