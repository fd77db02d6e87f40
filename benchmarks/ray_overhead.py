"""What Ray adds to the members' own seconds, from the timings that the three runs stored."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.reach import judge
from benchmarks.runs import CORPORA, finished_run
from benchmarks.section import BenchmarkError, Section
from smm4h_core.members.train import RECORD, member_storage, members_of

TIMING = "timing.json"
LONG_MEMBER_S = 60.0
"""The target speaks of members of at least so many seconds: start-up is paid once."""
HEADINGS = (
    "run",
    "members",
    "at once",
    "seconds a member",
    "wall, s",
    "overhead",
    "of it uneven end",
    "of it Ray",
)
NOTES = (
    "Overhead: wall time over the sum of member seconds divided by members at once, less 1. "
    "Uneven end: what remains of it if members start without delay, in order, wherever a place "
    "is free; while the last ones run, places stand idle under any scheduler. Ray: the rest, "
    "which is start-up, imports and shutdown.",
)


@dataclass(frozen=True, slots=True)
class Overhead:
    """Where a run's wall time went, as shares of its ideal time."""

    total: float
    """Wall time over member seconds / places, less 1."""
    uneven_end: float | None
    """Share that no scheduler of this order could save; None where not every member was timed."""

    @property
    def ray(self) -> float | None:
        """The rest."""
        return None if self.uneven_end is None else self.total - self.uneven_end


def measure() -> Section:
    """Read the runs' stored timings.

    Raises:
        BenchmarkError: naming every run that is missing, when all are.
    """
    rows, data, missing = [], {}, []
    long_overheads, notes = [], list(NOTES)
    for name in CORPORA:
        try:
            config, run = finished_run(name)
        except BenchmarkError as error:
            missing.append(str(error))
            continue
        timing = run.read_json(TIMING)
        members = members_of(config)
        lives = None
        if timing["num_trained"] == len(members):
            records = [member_storage(run, member).read_json(RECORD) for member in members]
            lives = [float(record["life_s"]) for record in records]
        overhead = split_overhead(timing, lives)
        mean_s = timing["member_s"] / timing["num_trained"]
        rows.append(_cells(name, timing, mean_s, overhead))
        data[name] = {**timing, **asdict(overhead), "ray": overhead.ray, "mean_member_s": mean_s}
        if mean_s >= LONG_MEMBER_S:
            long_overheads.append(overhead.total)
        else:
            notes.append(
                f"{name}: members of less than {LONG_MEMBER_S:.0f} s each, of which the target "
                "does not speak."
            )
    if not rows:
        raise BenchmarkError("\n".join(missing))
    return Section(
        title="Ray's overhead",
        headings=HEADINGS,
        rows=tuple(rows),
        notes=tuple(notes),
        missing=tuple(missing),
        verdicts=(judge("ray.overhead", max(long_overheads)),) if long_overheads else (),
        data=data,
    )


def split_overhead(timing: Mapping[str, Any], lives: Sequence[float] | None) -> Overhead:
    """Divide a run's overhead into what its order of members costs and what Ray costs.

    Args:
        timing: ``wall_s``, ``member_s`` and ``num_workers`` as the run stored them.
        lives: Seconds of each member in the queue's order; None where some are not known.
    """
    ideal_s = timing["member_s"] / timing["num_workers"]
    uneven = None
    if lives is not None:
        uneven = finish_s(lives, int(timing["num_workers"])) / ideal_s - 1
    return Overhead(total=timing["wall_s"] / ideal_s - 1, uneven_end=uneven)


def finish_s(lives: Sequence[float], num_places: int) -> float:
    """When the last member ends if each starts, in order, as soon as a place is free."""
    free_at = [0.0] * num_places
    for life in lives:
        heapq.heapreplace(free_at, free_at[0] + life)
    return max(free_at)


def _cells(
    name: str, timing: Mapping[str, Any], mean_s: float, overhead: Overhead
) -> tuple[str, ...]:
    def share(value: float | None) -> str:
        return "unknown" if value is None else f"{value:.1%}"

    return (
        name,
        str(timing["num_trained"]),
        str(timing["num_workers"]),
        f"{mean_s:.0f}",
        f"{timing['wall_s']:.0f}",
        share(overhead.total),
        share(overhead.uneven_end),
        share(overhead.ray),
    )
