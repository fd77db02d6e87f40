"""A training run's journey, readable top to bottom: one member, one loop, plain PyTorch.

Knows nothing of corpora, of Ray or of files: batches come as lists, state goes to a store,
progress goes to a callback.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, TypeVar

import torch
from torch import nn

from smm4h_core.encoders.precision import autocast
from smm4h_core.errors import TrainingError
from smm4h_core.training.checkpoint import (
    CheckpointStore,
    Weights,
    load_trained_weights,
    random_state,
    restore_random_state,
    trained_weights,
)


class Batch(Protocol):
    """What the loop needs of a batch: to name its posts when something goes wrong."""

    @property
    def post_ids(self) -> Sequence[str]:
        """The posts in it, in order."""
        ...


B = TypeVar("B", bound=Batch)


@dataclass(frozen=True, slots=True)
class EpochReport:
    """What one epoch came to."""

    epoch: int
    """Counts from 0."""
    loss: float
    """Mean training loss over the epoch's steps."""
    score: float
    """What ``evaluate`` said; larger is better."""
    num_posts: int
    """Training posts seen, repeats counted."""
    train_s: float
    """Seconds in training steps, over all lives of the run."""
    evaluate_s: float
    """Seconds in evaluation."""


@dataclass(frozen=True, slots=True)
class FitResult:
    """The trained network's account; the network itself holds the kept epoch's weights."""

    kept_epoch: int
    """Epoch whose weights were kept."""
    score: float
    """Its score."""
    history: tuple[EpochReport, ...]
    """Every epoch that ran."""


def fit(
    network: nn.Module,
    *,
    draw_batches: Callable[[int], Iterable[B]],
    loss_of: Callable[[nn.Module, B], torch.Tensor],
    evaluate: Callable[[nn.Module], float],
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    epochs: int,
    device: torch.device,
    clip_norm: float | None = 1.0,
    dtype: torch.dtype = torch.float32,
    select: Literal["best", "last"] = "best",
    patience: int | None = None,
    checkpoint: CheckpointStore | None = None,
    checkpoint_steps: int | None = None,
    on_step: Callable[[int, int], None] = lambda _epoch, _step: None,
    on_epoch: Callable[[EpochReport], None] = lambda _report: None,
) -> FitResult:
    """Train ``network`` in place and leave it with the kept epoch's weights.

    Seed torch before building the network. On one CPU worker a run that is killed and called
    again gives the very weights of a run that was not: the checkpoint holds weights, optimiser,
    schedule, generators and the position, and ``draw_batches`` must depend on the epoch alone.

    Args:
        network: Already on ``device``.
        draw_batches: The batches of an epoch, the same on every call for that epoch.
        loss_of: Scalar loss of a batch; called under autocast.
        evaluate: Score of the network on development data; larger is better.
        optimiser: Over the network's parameters.
        schedule: Stepped once per optimiser step.
        epochs: Passes over the data.
        device: Where ``network`` is.
        clip_norm: Greatest norm of the gradient; None never clips.
        dtype: bf16 computes the forward pass under autocast; weights stay fp32.
        select: Keep the best epoch (earliest among equals) or the last.
        patience: Stop after so many epochs without a better score.
        checkpoint: Where state is kept between lives; None keeps none.
        checkpoint_steps: Also save every so many steps within an epoch.
        on_step: Told ``(epoch, steps done in it)``.
        on_epoch: Told each epoch's report as it ends.

    Raises:
        TrainingError: if the loss or the gradient is not finite, naming epoch, step and posts;
            the last good checkpoint stays.
    """
    history: list[EpochReport] = []
    kept: Weights | None = None
    kept_epoch, kept_score = -1, -math.inf
    epoch, done_steps, loss_sum, num_posts, train_s = 0, 0, 0.0, 0, 0.0

    state = checkpoint.load() if checkpoint else None
    if state is not None:
        load_trained_weights(network, state["network"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        restore_random_state(state["random"])
        history = [EpochReport(**report) for report in state["history"]]
        kept, kept_epoch, kept_score = state["kept"], state["kept_epoch"], state["kept_score"]
        epoch, done_steps = state["epoch"], state["step"]
        loss_sum, num_posts, train_s = state["loss_sum"], state["num_posts"], state["train_s"]

    def save() -> None:
        if checkpoint is None:
            return
        complete: dict[str, Any] = {
            "network": trained_weights(network),
            "optimiser": optimiser.state_dict(),
            "schedule": schedule.state_dict(),
            "random": random_state(),
            "history": [asdict(report) for report in history],
            **{"kept": kept, "kept_epoch": kept_epoch, "kept_score": kept_score},
            **{"epoch": epoch, "step": done_steps},
            **{"loss_sum": loss_sum, "num_posts": num_posts, "train_s": train_s},
        }
        checkpoint.save(complete)

    while epoch < epochs:
        if patience is not None and epoch - kept_epoch > patience and kept_epoch >= 0:
            break
        network.train()
        started = time.perf_counter()
        for batch in itertools.islice(draw_batches(epoch), done_steps, None):
            with autocast(dtype, device):
                loss = loss_of(network, batch)
            torch.autograd.backward(loss)
            norm = nn.utils.clip_grad_norm_(network.parameters(), clip_norm or math.inf)
            loss_value, norm_value = loss.item(), norm.item()
            if not math.isfinite(loss_value + norm_value):
                raise TrainingError(
                    f"loss {loss_value}, gradient norm {norm_value} at epoch {epoch}, "
                    f"step {done_steps}; posts {', '.join(batch.post_ids)}"
                )
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            done_steps += 1
            loss_sum += loss_value
            num_posts += len(batch.post_ids)
            on_step(epoch, done_steps)
            if checkpoint_steps and done_steps % checkpoint_steps == 0:
                train_s += time.perf_counter() - started
                save()
                started = time.perf_counter()
        train_s += time.perf_counter() - started

        network.eval()
        started = time.perf_counter()
        score = evaluate(network)
        evaluate_s = time.perf_counter() - started
        mean_loss = loss_sum / max(1, done_steps)
        report = EpochReport(epoch, mean_loss, score, num_posts, train_s, evaluate_s)
        history.append(report)
        if select == "last" or score > kept_score:
            kept, kept_epoch, kept_score = trained_weights(network), epoch, score
        epoch, done_steps, loss_sum, num_posts, train_s = epoch + 1, 0, 0.0, 0, 0.0
        save()
        on_epoch(report)

    assert kept is not None  # epochs is positive, so one epoch at least was kept
    load_trained_weights(network, kept)
    network.eval()
    return FitResult(kept_epoch, kept_score, tuple(history))
