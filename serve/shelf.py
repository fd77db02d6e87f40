"""Bundles that a replica holds: the one in use and, after a change, the one that answered before.

A new bundle reaches the replicas one after another. Until all have it, a request that some replica
cannot answer with the new one is answered with the old one from beginning to end, never with both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from smm4h_core.bundle import read_manifest
from smm4h_core.errors import BundleError

T = TypeVar("T")


class MissingBundleError(LookupError):
    """A replica was asked for a bundle that it does not hold; its argument is the digest."""


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """A loaded bundle, or what a deployment needs of it."""

    digest: str
    """``sha256`` of its manifest."""
    label: str
    """``name@version``."""
    folder: Path
    """Where it was loaded from."""
    value: T
    """What was loaded."""


class Shelf(Generic[T]):
    """Holds what answers; a bundle that cannot be loaded changes nothing but `refused`."""

    def __init__(self, load: Callable[[Path], Held[T]]) -> None:
        self._load = load
        self._held: tuple[Held[T], ...] = ()
        self._answered: str | None = None
        self.refused: str | None = None
        """Why the last change did not happen; None where it did."""

    @property
    def held(self) -> tuple[Held[T], ...]:
        """The bundle in use, then the one that answered before it."""
        return self._held

    @property
    def current(self) -> Held[T]:
        """The bundle in use."""
        return self._held[0]

    def take(self, digest: str) -> T:
        """What was loaded of a bundle.

        Raises:
            MissingBundleError: it is not held.
        """
        for each in self._held:
            if each.digest == digest:
                self.note_answered(digest)
                return each.value
        raise MissingBundleError(digest)

    def note_answered(self, digest: str) -> None:
        """A bundle has answered: when a new one comes, this is the one to keep beside it.

        The one in use need not be it: where others refused it, the one before goes on.
        """
        self._answered = digest

    def put(self, folder: Path, digest: str | None = None) -> None:
        """Load a bundle and use it from now on, unless it is in use, or held, already.

        Args:
            folder: Where it is.
            digest: Which one it is; None for what lies there now.

        Raises:
            BundleError: it cannot be loaded, or another one lies there; whatever was in use still
                is.
        """
        for place, each in enumerate(self._held):
            if each.digest == digest:  # that its folder holds another one by now is no matter
                self._held = (each, *self._held[:place], *self._held[place + 1 :])
                return
        found = str(read_manifest(folder)["sha256"])
        if digest not in (None, found):
            raise BundleError(f"{folder}: expected the bundle {digest}, got {found}")
        if self._held and self.current.digest == found:
            return
        new = self._load(folder)
        kept = [each for each in self._held if each.digest == self._answered] or self._held
        self._held = (new, *kept[:1])

    def change(self, to: Callable[[T], T]) -> None:
        """Put another value in the place of the one in use."""
        first, *others = self._held
        self._held = (replace(first, value=to(first.value)), *others)
