"""The loop on a toy network: it learns, keeps the best epoch, stops, and resumes bit by bit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from smm4h_core.errors import TrainingError
from smm4h_core.storage import open_storage
from smm4h_core.training.checkpoint import CheckpointFile
from smm4h_core.training.fit import EpochReport, FitResult, fit
from smm4h_core.training.optimisation import build_optimiser, build_schedule

EPOCHS = 4


@dataclass(frozen=True, slots=True)
class Points:
    post_ids: tuple[str, ...]
    x: torch.Tensor
    y: torch.Tensor


def draw(epoch: int) -> list[Points]:
    generator = torch.Generator().manual_seed(epoch)
    batches = []
    for step in range(5):
        x = torch.randn(8, 3, generator=generator)
        ids = tuple(f"{epoch}-{step}-{row}" for row in range(8))
        batches.append(Points(ids, x, (x.sum(1) > 0).float()))
    return batches


def loss_of(network: nn.Module, batch: Points) -> torch.Tensor:
    return nn.functional.binary_cross_entropy_with_logits(network(batch.x).squeeze(-1), batch.y)


class KilledError(Exception):
    pass


def train(seed: int = 0, **options: Any) -> tuple[nn.Module, FitResult]:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 1))
    optimiser = build_optimiser(
        [(0.05, dict(network.named_parameters()))], optimiser="adamw", weight_decay=0.01
    )
    schedule = build_schedule(
        optimiser, schedule="warmup_linear", warmup_fraction=0.1, num_steps=5 * EPOCHS
    )
    settings: dict[str, Any] = {
        "draw_batches": draw,
        "loss_of": loss_of,
        "evaluate": lambda net: -loss_of(net, draw(99)[0]).item(),
        "epochs": EPOCHS,
        "device": torch.device("cpu"),
        **options,
    }
    result = fit(network, optimiser=optimiser, schedule=schedule, **settings)
    return network, result


def weights(network: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach() for parameter in network.parameters()]


def test_fit_learns() -> None:
    _, result = train()
    assert result.history[-1].loss < 0.7 * result.history[0].loss


def test_fit_is_deterministic_by_seed() -> None:
    first, second, other = train(0)[0], train(0)[0], train(1)[0]
    assert all(torch.equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(weights(first), weights(other), strict=True))


@pytest.mark.parametrize("kill_at", [(0, 3), (1, 2), (2, 5), (3, 4)])
def test_fit_resumed_after_a_kill_gives_identical_weights(
    tmp_path: Any, kill_at: tuple[int, int]
) -> None:
    whole, expected = train()
    checkpoint = CheckpointFile(open_storage(str(tmp_path)))

    def die(epoch: int, step: int) -> None:
        if (epoch, step) == kill_at:
            raise KilledError

    with pytest.raises(KilledError):
        train(checkpoint=checkpoint, checkpoint_steps=2, on_step=die)
    steps: list[tuple[int, int]] = []
    resumed, result = train(
        checkpoint=checkpoint, checkpoint_steps=2, on_step=lambda e, s: steps.append((e, s))
    )
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))
    assert [r.loss for r in result.history] == [r.loss for r in expected.history]
    assert steps[0] > (0, 1)  # it went on, it did not start anew


def test_fit_called_again_after_the_end_trains_nothing(tmp_path: Any) -> None:
    checkpoint = CheckpointFile(open_storage(str(tmp_path)))
    first, _ = train(checkpoint=checkpoint)
    steps: list[int] = []
    second, _ = train(checkpoint=checkpoint, on_step=lambda _, step: steps.append(step))
    assert steps == []
    assert all(torch.equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))


def scores(*values: float) -> Any:
    remaining = list(values)
    return lambda _network: remaining.pop(0)


def test_fit_keeps_the_earliest_best_epoch() -> None:
    kept: dict[int, list[torch.Tensor]] = {}
    network, result = train(evaluate=scores(0.1, 0.9, 0.9, 0.3))
    assert (result.kept_epoch, result.score) == (1, 0.9)

    def remember(report: EpochReport) -> None:
        kept[report.epoch] = [w.clone() for w in weights(network)]

    network_to_epoch_1, _ = train(evaluate=scores(0.1, 0.9), epochs=2, on_epoch=remember)
    assert all(
        torch.equal(a, b)
        for a, b in zip(weights(network), weights(network_to_epoch_1), strict=True)
    )


def test_fit_selecting_last_keeps_the_last_epoch() -> None:
    _, result = train(evaluate=scores(0.9, 0.1, 0.2, 0.3), select="last")
    assert (result.kept_epoch, result.score) == (3, 0.3)


def test_fit_stops_when_patience_ends() -> None:
    _, result = train(evaluate=scores(0.5, 0.4, 0.3, 0.9), patience=2)
    assert [report.epoch for report in result.history] == [0, 1, 2]
    assert result.kept_epoch == 0


def test_fit_names_the_posts_of_a_nan_and_keeps_the_checkpoint(tmp_path: Any) -> None:
    checkpoint = CheckpointFile(open_storage(str(tmp_path)))

    def poisoned(epoch: int) -> list[Points]:
        batches = draw(epoch)
        if epoch == 1:
            bad = batches[3]
            batches[3] = Points(bad.post_ids, bad.x * math.nan, bad.y)
        return batches

    with pytest.raises(TrainingError, match=r"loss nan.*epoch 1, step 3; posts 1-3-0, 1-3-1"):
        train(draw_batches=poisoned, checkpoint=checkpoint)
    state = checkpoint.load()
    assert state is not None
    assert (state["epoch"], state["step"]) == (1, 0)
    assert all(torch.isfinite(tensor).all() for tensor in state["network"].values())


def test_fit_refuses_a_checkpoint_of_another_network(tmp_path: Any) -> None:
    checkpoint = CheckpointFile(open_storage(str(tmp_path)))
    train(checkpoint=checkpoint)
    state = checkpoint.load()
    assert state is not None
    state["network"]["0.weight"] = torch.zeros(2, 2)
    checkpoint.save(state)
    with pytest.raises(TrainingError, match=r"first at '0\.weight'"):
        train(checkpoint=checkpoint)
