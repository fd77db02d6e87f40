"""One run from configuration to bundle: members, ensemble, thresholds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import fs

from ray_jobs.live import live_table
from ray_jobs.member_queue import MemberQueue, Place
from smm4h_core.bundle import save_bundle
from smm4h_core.config import RunConfig
from smm4h_core.errors import Smm4hError, TrainingError
from smm4h_core.members.data import fingerprint, identify, read_run_posts
from smm4h_core.members.join import join_members
from smm4h_core.members.train import (
    WEIGHTS,
    Member,
    finished_record,
    member_storage,
    members_home,
    members_of,
    train_member,
    whole_seeds,
)
from smm4h_core.storage import Storage, open_storage


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    run_location: str
    """Where everything lies."""
    bundle_location: str
    """Where the bundle lies."""
    result: dict[str, Any]
    """Scores by split; see ``members.join.join_members``."""
    failed: tuple[Place, ...]
    """Members that the ensemble goes without."""
    num_trained: int
    """Members trained by this call; the others were finished before."""
    wall_s: float
    """Seconds of training members, Ray's own included."""
    member_s: float
    """Sum of the trained members' own seconds."""
    num_workers: int
    """Members at once."""
    num_truncated: int
    """Most posts of a member whose end did not fit the encoder's length."""


def run_training(config: RunConfig, *, inline: bool = False) -> Outcome:
    """Train what is missing, join it, write the bundle.

    Args:
        config: The run.
        inline: Train in this process, one member after another, without Ray.

    Raises:
        TrainingError: fewer members finished than the run needs, naming each and its root error.
    """
    run = open_storage(config.storage).child(config.name)
    home = members_home(config)
    posts = read_run_posts(config)  # bad data is told at once, before any worker starts
    identities = {part: identify(config, posts, part) for part in config.parts}
    members = members_of(config)
    missing = [m for m in members if finished_record(identities[m.part], m, home) is None]
    run.write_json("config.json", config.model_dump(mode="json"))

    started = time.perf_counter()
    places, num_workers = _train(config, missing, home, inline=inline)
    wall_s = time.perf_counter() - started
    failed = tuple(place for place in places if place.state != "done")

    lost = {place.member for place in failed}
    finished = [member for member in members if member not in lost]
    seeds = whole_seeds(config, finished)
    wanted = config.ensemble.min_members or len(config.ensemble.seeds)
    if len(seeds) < wanted:
        raise TrainingError(
            f"{len(seeds)} of {len(config.ensemble.seeds)} seeds finished, {wanted} are needed "
            f"(ensemble.min_members); failed:\n{_reasons(failed)}"
        )
    result = join_members(config, posts, home, run, seeds)
    joined = config.model_copy(
        update={"ensemble": config.ensemble.model_copy(update={"seeds": seeds})}
    )
    trained_on = fingerprint(posts.pool + posts.extra, config.task)
    location = _write_bundle(joined, home, run, result, trained_on)
    member_s = sum(float(p.record["life_s"]) for p in places if p.record is not None)
    num_trained = len(places) - len(failed)
    timing = {
        "num_trained": num_trained,
        "num_workers": num_workers,
        "wall_s": wall_s,
        "member_s": member_s,
    }
    if num_trained:
        run.write_json("timing.json", timing)
    num_truncated = max(
        int(record["num_truncated"])
        for member in finished
        if (record := finished_record(identities[member.part], member, home)) is not None
    )
    return Outcome(
        run.root,
        location,
        result,
        failed,
        num_trained,
        wall_s,
        member_s,
        num_workers,
        num_truncated,
    )


def _train(
    config: RunConfig, missing: Sequence[Member], home: Storage, *, inline: bool
) -> tuple[list[Place], int]:
    if not missing:
        return [], 0
    if inline:
        return _train_inline(config, missing, home), 1
    from ray_jobs.cluster import connected, count_places, nodes

    resources = config.resources
    with connected():
        from ray_jobs.ensemble import train_members  # imports Ray, so not before connecting

        places = count_places(
            nodes(), cpus=resources.cpus_per_member, gpus=resources.gpus_per_member
        )
        num_workers = min(places, len(missing), resources.max_workers or places)
        with live_table(config.name) as watch:
            return train_members(config, missing, num_workers=num_workers, watch=watch), num_workers


def _train_inline(config: RunConfig, missing: Sequence[Member], home: Storage) -> list[Place]:
    queue = MemberQueue(missing, attempts=1)
    with live_table(config.name) as watch:
        while (member := queue.claim(0, "here")) is not None:

            def show(progress: Any) -> None:
                queue.tell(0, progress)
                watch(queue.snapshot())

            try:
                record = train_member(config, member, home, on_progress=show)
            except Smm4hError as error:  # any other is a bug, to be seen where it happened
                queue.fail(0, str(error), retry=False)
            else:
                queue.finish(0, record)
        watch(queue.snapshot())
    return queue.snapshot()


def _write_bundle(
    config: RunConfig,
    home: Storage,
    run: Storage,
    result: dict[str, Any],
    fingerprint: str,
) -> str:
    members = [
        [member_storage(home, member) for member in members_of(config) if member.seed == seed]
        for seed in config.ensemble.seeds
    ]
    target = run.child("bundle")

    def save(folder: Path) -> None:
        save_bundle(
            config,
            members,
            rule=result["rule"],
            scores=result["splits"],
            fingerprint=fingerprint,
            weights_name=WEIGHTS,
            folder=folder,
        )

    if isinstance(run.filesystem, fs.LocalFileSystem):
        save(Path(target.root))
        return target.root
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / "bundle")
        # An older bundle's members would not be in the new manifest.
        target.filesystem.create_dir(target.root, recursive=True)
        target.filesystem.delete_dir_contents(target.root)
        fs.copy_files(f"{folder}/bundle", target.root, destination_filesystem=run.filesystem)
    return target.root


def _reasons(failed: Sequence[Place]) -> str:
    """Root errors, each once, with the members that it stopped."""
    members_by_error: dict[str, list[str]] = {}
    for place in failed:
        members_by_error.setdefault(place.error, []).append(place.member.name)
    return "\n".join(f"  {', '.join(names)}: {e}" for e, names in members_by_error.items())
