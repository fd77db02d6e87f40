"""Live views on a terminal, and the table of members."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TypeVar

from rich.live import Live
from rich.table import Table

from ray_jobs.console import notices
from ray_jobs.member_queue import Place
from smm4h_core.members.train import Progress

T = TypeVar("T")


@contextmanager
def live_view(
    draw: Callable[[T, float], Table], *, transient: bool
) -> Iterator[Callable[[T], None]]:
    """A function that shows what is drawn of its argument and of the seconds since the start.

    It shows nothing where stderr is no terminal; ``transient`` clears the last view in the end.
    """
    console = notices()
    if not console.is_terminal:
        yield lambda _state: None
        return
    started = time.monotonic()
    with Live(console=console, refresh_per_second=4, transient=transient) as live:
        yield lambda state: live.update(draw(state, time.monotonic() - started))


def live_table(title: str) -> AbstractContextManager[Callable[[Sequence[Place]], None]]:
    """A function that shows places."""
    return live_view(partial(members_table, title), transient=False)


def members_table(title: str, places: Sequence[Place], elapsed_s: float) -> Table:
    """One row a member that has started or failed, and a line on the rest."""
    states = Counter(place.state for place in places)
    summary = ", ".join(f"{states[s]} {s}" for s in ("done", "training", "waiting", "failed"))
    table = Table(title=f"{title}: {summary}; {format_clock(elapsed_s)} so far")
    for heading in ("member", "state", "epoch", "loss", "dev F1", "where", "ETA"):
        table.add_column(heading, justify="left" if heading in ("member", "where") else "right")
    for place in places:
        if place.state != "waiting" or place.attempts:
            table.add_row(*_cells(place))
    return table


def _cells(place: Place) -> tuple[str, ...]:
    name, progress = place.member.name, place.progress
    if place.state == "failed":
        return (name, "failed", "", "", "", place.error.partition("\n")[0][:60], "")
    if place.record is not None:
        last = place.record["history"][-1]
        f1 = place.record["choosing_f1"]
        epoch = f"kept {place.record['kept_epoch'] + 1} of {len(place.record['history'])}"
        return (name, "done", epoch, f"{last['loss']:.3f}", f"{f1:.3f}", place.where, "")
    if progress is None:
        return (name, place.state, "", "", "", place.where, "")
    done = _epochs_done(progress)
    gained = done - _epochs_done(place.first) if place.first else 0.0
    eta = format_clock(place.spent_s / gained * (progress.epochs - done)) if gained > 0 else ""
    return (
        name,
        place.state,
        f"{done:.1f}/{progress.epochs}",
        "" if progress.loss is None else f"{progress.loss:.3f}",
        "" if progress.dev_f1 is None else f"{progress.dev_f1:.3f}",
        place.where,
        eta,
    )


def _epochs_done(progress: Progress) -> float:
    return progress.epoch + progress.step / max(1, progress.steps)


def format_clock(seconds: float) -> str:
    """Seconds as ``minutes:seconds``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
