"""What the ingress and the parts say to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from smm4h_core.types import Post


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds that an answer took; of several parts, their sum."""

    queue: float = 0.0
    """Waiting for a batch to begin."""
    tokenise: float = 0.0
    """Cutting texts into word-pieces."""
    infer: float = 0.0
    """The rest of answering the batch: networks, and what their answers become."""

    def __add__(self, other: Timings) -> Timings:
        return Timings(
            self.queue + other.queue, self.tokenise + other.tokenise, self.infer + other.infer
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to a part."""

    digest: str
    """The bundle that is to answer."""
    posts: tuple[Post, ...] = field(repr=False)
    """Posts with their languages; or, where ``strings``, mentions as posts."""
    given: tuple[Any, ...] = field(default=(), repr=False)
    """One for each post: to a classifier its drugs; to a linker, where ``strings``, the posts that
    the mentions stand in, or None."""
    strings: bool = False
    """Whether a linker is asked for mentions given as strings."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A part's answer."""

    values: tuple[Any, ...] = field(repr=False)
    """One for each post, as the stage of that name in `smm4h_core.stages` returns it."""
    timings: Timings
    """What it took."""


class PartError(RuntimeError):
    """A part could not answer; says which and where in the code, and never what of."""
