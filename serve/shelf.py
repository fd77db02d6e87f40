"""Bundles that a replica holds: the one in use and, after a change, the one before it.

A new bundle reaches the replicas one after another. Until all have it, a request that some replica
cannot answer with the new one is answered with the old one from beginning to end, never with both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from smm4h_core.bundle import read_manifest

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
        self.refused: str | None = None
        """Why the last change did not happen; None where it did."""

    @property
    def held(self) -> tuple[Held[T], ...]:
        """The bundle in use, then the one before it."""
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
                return each.value
        raise MissingBundleError(digest)

    def put(self, folder: Path) -> None:
        """Load a bundle and use it from now on, unless it is in use already.

        Raises:
            BundleError: it cannot be loaded; whatever was in use still is.
        """
        if self._held and self.current.digest == read_manifest(folder)["sha256"]:
            return
        new = self._load(folder)
        self._held = (new, *self._held[:1])

    def change(self, to: Callable[[T], T]) -> None:
        """Put another value in the place of the one in use."""
        first, *others = self._held
        self._held = (replace(first, value=to(first.value)), *others)
