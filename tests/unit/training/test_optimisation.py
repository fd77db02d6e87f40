from __future__ import annotations

import pytest
import torch
from torch import nn

from smm4h_core.errors import ConfigError
from smm4h_core.training.optimisation import build_optimiser, build_schedule, rate_groups


class Layered(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(5, 4)
        self.layer = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))


def test_rate_groups_fall_from_the_top_layer_down() -> None:
    encoder, head = Layered(), nn.Linear(4, 1)
    groups = rate_groups(
        encoder, head, learning_rate=1.0, head_rate_factor=10, layer_rate_decay=0.5
    )
    rate_of = {name: rate for rate, names in groups for name in names if "." in name}
    assert groups[0][0] == 10
    assert [rate_of[f"layer.{n}.weight"] for n in (2, 1, 0)] == [1.0, 0.5, 0.25]
    assert rate_of["embeddings.weight"] == 0.125


def test_rate_groups_refuse_a_decay_over_no_layers() -> None:
    with pytest.raises(ConfigError, match="Linear has no numbered layers"):
        rate_groups(
            nn.Linear(2, 2),
            nn.Linear(2, 1),
            learning_rate=1.0,
            head_rate_factor=1,
            layer_rate_decay=0.5,
        )


def test_rate_groups_without_decay_share_one_rate() -> None:
    groups = rate_groups(
        Layered(), nn.Linear(4, 1), learning_rate=0.1, head_rate_factor=1, layer_rate_decay=1
    )
    assert [rate for rate, _ in groups] == [0.1, 0.1]


def test_build_optimiser_decays_matrices_alone_and_skips_the_frozen() -> None:
    network = Layered()
    network.embeddings.weight.requires_grad_(False)
    optimiser = build_optimiser(
        [(0.1, dict(network.named_parameters()))], optimiser="adamw", weight_decay=0.5
    )
    by_decay = {group["weight_decay"]: len(group["params"]) for group in optimiser.param_groups}
    assert by_decay == {0.5: 3, 0.0: 3}
    assert type(optimiser) is torch.optim.AdamW


def test_build_optimiser_adam_is_the_papers() -> None:
    optimiser = build_optimiser(
        [(1e-5, dict(nn.Linear(2, 2).named_parameters()))], optimiser="adam", weight_decay=0.0
    )
    assert type(optimiser) is torch.optim.Adam


def rates(schedule_name: str, steps: int) -> list[float]:
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = build_schedule(
        optimiser,
        schedule=schedule_name,  # type: ignore[arg-type]
        warmup_fraction=0.2,
        num_steps=steps,
    )
    seen = []
    for _ in range(steps):
        seen.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return seen


def test_build_schedule_warms_up_then_falls_to_zero() -> None:
    seen = rates("warmup_linear", 10)
    assert seen[:2] == pytest.approx([0.5, 1.0])
    assert seen[2:] == pytest.approx([1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125])


def test_build_schedule_constant_never_moves() -> None:
    assert rates("constant", 5) == [1.0] * 5
