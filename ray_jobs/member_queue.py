"""Who trains what: a queue of members that outlives its workers.

Plain Python, so that tests need no Ray; ``ray_jobs.ensemble`` runs it as an actor.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from smm4h_core.members.train import Member, Progress

State = Literal["waiting", "training", "done", "failed"]


@dataclass(slots=True)
class Place:
    """Where one member stands."""

    member: Member
    """Which."""
    state: State = "waiting"
    """What is happening to it."""
    attempts: int = 0
    """Attempts that ended in a failure of its own."""
    failed_epoch: int = 0
    """Epochs it had done when it last failed."""
    rank: int | None = None
    """Worker that has it."""
    where: str = ""
    """Host and process of that worker."""
    progress: Progress | None = None
    """Last word from it."""
    claimed_at: float = 0.0
    """Seconds of the queue's own clock when it was last claimed."""
    spent_s: float = 0.0
    """Seconds since it was last claimed, as of the snapshot."""
    first: Progress | None = None
    """First word since it was last claimed: a resumed member does not start from nothing."""
    record: Mapping[str, Any] | None = None
    """Its record, once done."""
    error: str = ""
    """Root error of its last failed attempt."""


@dataclass(slots=True)
class MemberQueue:
    """Hands members to workers, counts attempts, remembers errors."""

    members: Sequence[Member]
    """Members to train."""
    attempts: int
    """Times a member may fail before it is given up."""
    places: dict[Member, Place] = field(init=False)
    """Where each stands."""
    _waiting: deque[Member] = field(init=False)
    _open: dict[int, Member] = field(init=False, default_factory=dict)
    _deaths: dict[int, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.places = {member: Place(member) for member in self.members}
        self._waiting = deque(self.members)

    def claim(self, rank: int, where: str) -> Member | None:
        """The next member for a worker, or None when nothing waits.

        A worker that still has a member open was restarted while training it: that member comes
        back. It counts as an attempt only if this worker died; when another worker's death took
        it along, which is how Ray Train restarts a group, the member is not to blame.
        """
        lost = self._open.get(rank)
        if lost is not None:
            death = self._deaths.pop(rank, None)
            if death is None:
                self._waiting.appendleft(self._release(rank))
            else:
                self.fail(rank, death, retry=True)
        if not self._waiting:
            return None
        member = self._waiting.popleft()
        place = self.places[member]
        place.state, place.rank, place.where = "training", rank, where
        place.claimed_at, place.first = time.monotonic(), None
        self._open[rank] = member
        return member

    def finish(self, rank: int, record: Mapping[str, Any]) -> None:
        """A worker's member is trained."""
        place = self.places[self._release(rank)]
        place.state, place.record = "done", record

    def fail(self, rank: int, error: str, *, retry: bool) -> None:
        """A worker's member failed; it waits again unless that is pointless or once too often.

        A member that got an epoch further since its last failure starts counting anew: one that
        loses its machine now and then still ends, one that cannot move is given up.
        """
        member = self._release(rank)
        place = self.places[member]
        epoch = place.progress.epoch if place.progress else 0
        place.attempts = 1 if epoch > place.failed_epoch else place.attempts + 1
        place.failed_epoch = epoch
        place.error = error
        if retry and place.attempts < self.attempts:
            self._waiting.append(member)
        else:
            place.state = "failed"

    def note_deaths(self, errors: Mapping[int, str]) -> None:
        """Workers died; which of them, and of what, decides whose attempt it was."""
        self._deaths.update({rank: e for rank, e in errors.items() if rank in self._open})

    def give_up_open(self, error: str) -> None:
        """The whole group is gone for good: whatever is not done has failed."""
        for place in self.places.values():
            if place.state in ("waiting", "training"):
                place.state, place.error = "failed", place.error or error

    def tell(self, rank: int, progress: Progress) -> None:
        """A worker's word on its member."""
        if self._open.get(rank) != progress.member:
            return  # a late word: the member has ended, or its worker was restarted
        place = self.places[progress.member]
        place.progress, place.first = progress, place.first or progress

    def snapshot(self) -> list[Place]:
        """Where all members stand, in the run's order."""
        for place in self.places.values():
            place.spent_s = time.monotonic() - place.claimed_at
        return list(self.places.values())

    def _release(self, rank: int) -> Member:
        member = self._open.pop(rank)
        place = self.places[member]
        place.state, place.rank = "waiting", None
        return member
