"""One function trains one member, wherever it runs: alone, in an ensemble, in a search."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any

import torch
from safetensors.torch import save as safetensors_bytes

from smm4h_core.config import MemberPart, RunConfig
from smm4h_core.encoders.precision import choose_device, choose_dtype
from smm4h_core.errors import TrainingError
from smm4h_core.members.data import identify, read_run_posts
from smm4h_core.members.setup import build_setup
from smm4h_core.storage import Storage, open_storage
from smm4h_core.training.checkpoint import CheckpointFile, trained_weights
from smm4h_core.training.fit import EpochReport, fit
from smm4h_core.training.optimisation import build_optimiser, build_schedule, rate_groups

RECORD = "member.json"
"""Written last: where it lies, the member is finished."""
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, slots=True)
class Member:
    """One trained model of an ensemble: a seed, and the fold it leaves out."""

    seed: int
    """Seeds the head, the dropout and the order of posts."""
    fold: int = 0
    """The fold held out; 0 where the run has one."""
    part: MemberPart = ""
    """Which of the seed's networks, where it has several."""

    @property
    def name(self) -> str:
        """Its folder's name."""
        return f"s{self.seed}-f{self.fold}" + (f"-{self.part}" if self.part else "")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a member stands."""

    member: Member
    """Which."""
    epoch: int
    """Epochs done, of ``epochs``."""
    epochs: int
    """Most epochs it will run."""
    step: int
    """Steps done in the open epoch."""
    steps: int
    """Steps of the open epoch."""
    loss: float | None = None
    """Mean training loss of the last epoch done."""
    dev_f1: float | None = None
    """On the data it is chosen on, after the last epoch done: F1 of posts at 0.5, of spans, or
    the share of mentions linked rightly, which is the F1 where each has one answer."""


def members_of(config: RunConfig) -> tuple[Member, ...]:
    """All members of a run, seed by seed."""
    return tuple(
        Member(seed, fold, part)
        for seed in config.ensemble.seeds
        for fold in range(config.data.folds)
        for part in config.parts
    )


def whole_seeds(config: RunConfig, finished: Collection[Member]) -> tuple[int, ...]:
    """Seeds of which every member is trained; a rule needs all folds and parts of a seed."""
    lacking = {member.seed for member in members_of(config) if member not in finished}
    return tuple(seed for seed in config.ensemble.seeds if seed not in lacking)


def members_home(config: RunConfig) -> Storage:
    """The folder of the run whose members these are, the run's own unless it joins another's."""
    return open_storage(config.storage).child(config.ensemble.members_of or config.name)


def member_storage(run: Storage, member: Member) -> Storage:
    """A member's folder below its run's."""
    return run.child("members", member.name)


def finished_record(identity: str, member: Member, run: Storage) -> dict[str, Any] | None:
    """The record of a member that is already trained; None where it is not.

    Raises:
        TrainingError: if it was trained under another configuration, or on other posts, encoders
            or molecules.
    """
    storage = member_storage(run, member)
    if not storage.exists(RECORD):
        return None
    record: dict[str, Any] = storage.read_json(RECORD)
    if record["identity"] != identity:
        raise TrainingError(
            f"{storage.root} was trained under another configuration or on other posts, encoders "
            f"or molecules ({record['identity']}, now {identity}): give the run another name or "
            f"storage, or delete that folder"
        )
    return record


def train_member(
    config: RunConfig,
    member: Member,
    run: Storage,
    *,
    device: torch.device | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> dict[str, Any]:
    """Train one member, or go on with it, or find it finished.

    Leaves in ``run/members/<name>``: its trained weights (safetensors), its predictions on dev,
    out-of-fold and test posts (Parquet) and, last, its record (JSON), which is returned.

    Raises:
        TrainingError: a loss that is not finite, or a member of another configuration.
    """
    started = time.perf_counter()
    posts = read_run_posts(config)
    identity = identify(config, posts, member.part)
    done = finished_record(identity, member, run)
    if done is not None:
        return done
    storage = member_storage(run, member)
    storage.delete_unfinished()
    device = device or choose_device()
    training = config.training_of(member.part)
    dtype = choose_dtype(training.precision, device)
    # Named by identity: another configuration must never go on from this state.
    checkpoint = CheckpointFile(storage, f"checkpoint-{identity}.pt")
    resumed = storage.exists(checkpoint.name)

    torch.manual_seed(member.seed)
    setup = build_setup(
        config,
        posts,
        seed=member.seed,
        fold=member.fold,
        part=member.part,
        device=device,
        dtype=dtype,
    )
    optimiser = build_optimiser(
        rate_groups(
            setup.network,
            setup.network.pretrained_parts(),
            learning_rate=training.learning_rate,
            head_rate_factor=training.head_rate_factor,
            layer_rate_decay=training.layer_rate_decay,
        ),
        optimiser=training.optimiser,
        weight_decay=training.weight_decay,
    )
    steps_by_epoch = [setup.num_steps(epoch) for epoch in range(training.epochs)]
    last: EpochReport | None = None

    def tell(epoch: int, step: int) -> None:
        loss, score = (last.loss, last.score) if last else (None, None)
        steps = steps_by_epoch[min(epoch, training.epochs - 1)]
        on_progress(Progress(member, epoch, training.epochs, step, steps, loss, score))

    def note(report: EpochReport) -> None:
        nonlocal last
        last = report
        tell(report.epoch + 1, 0)

    result = fit(
        setup.network,
        draw_batches=setup.draw_batches,
        loss_of=setup.loss,
        evaluate=lambda _: setup.choosing_f1(),
        optimiser=optimiser,
        schedule=build_schedule(
            optimiser,
            schedule=training.schedule,
            warmup_fraction=training.warmup_fraction,
            num_steps=sum(steps_by_epoch),
        ),
        epochs=training.epochs,
        device=device,
        clip_norm=training.clip_norm,
        dtype=dtype,
        select=training.select,
        patience=training.patience,
        checkpoint=checkpoint,
        checkpoint_steps=training.checkpoint_steps,
        on_step=tell,
        on_epoch=note,
    )

    setup.finish()
    setup.write_predictions(storage)
    weights = safetensors_bytes(trained_weights(setup.network))
    storage.write(WEIGHTS, lambda stream: stream.write(weights))
    record = {
        "name": member.name,
        "seed": member.seed,
        "fold": member.fold,
        "identity": identity,
        "kept_epoch": result.kept_epoch,
        "choosing_f1": result.score,
        "history": [asdict(report) for report in result.history],
        **setup.facts(),
        "dtype": str(dtype).removeprefix("torch."),
        "train_s": sum(report.train_s for report in result.history),
        "life_s": time.perf_counter() - started,
        "resumed": resumed,
        "host": socket.gethostname(),
        "torch": torch.__version__,
    }
    storage.write_json(RECORD, record)
    storage.delete(checkpoint.name)
    return record
