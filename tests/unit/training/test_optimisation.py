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


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = Layered()
        self.other = Layered()
        self.head = nn.Linear(4, 1)


def rate_by_name(network: Network, parts: list[nn.Module], **options: float) -> dict[str, float]:
    groups = rate_groups(
        network, parts, **{"learning_rate": 1.0, "head_rate_factor": 10.0, **options}
    )
    rate_of = {id(p): rate for rate, parameters in groups for p in parameters.values()}
    return {name: rate_of[id(p)] for name, p in network.named_parameters()}


def test_rate_groups_fall_from_the_top_layer_down() -> None:
    network = Network()
    rate_of = rate_by_name(network, [network.encoder], layer_rate_decay=0.5)
    assert rate_of["head.weight"] == 10
    assert [rate_of[f"encoder.layer.{n}.weight"] for n in (2, 1, 0)] == [1.0, 0.5, 0.25]
    assert rate_of["encoder.embeddings.weight"] == 0.125


def test_rate_groups_give_each_encoder_its_own_depth_and_the_rest_the_head_s_rate() -> None:
    network = Network()
    network.other.layer = nn.ModuleList([nn.Linear(4, 4)])
    rate_of = rate_by_name(network, [network.encoder, network.other], layer_rate_decay=0.5)
    assert rate_of["encoder.layer.2.bias"] == rate_of["other.layer.0.bias"] == 1.0
    assert rate_of["other.embeddings.weight"] == 0.5
    assert rate_by_name(network, [network.encoder], layer_rate_decay=1)["other.layer.0.bias"] == 10


def test_rate_groups_let_what_joins_encoders_learn_at_their_rate() -> None:
    network = nn.ModuleDict(
        {"encoder": nn.Linear(2, 2), "fusion": nn.Linear(2, 3), "head": nn.Linear(2, 1)}
    )
    groups = rate_groups(
        network,
        [network["encoder"]],
        learning_rate=1e-3,
        head_rate_factor=10,
        layer_rate_decay=1,
    )
    rate_of = {id(p): rate for rate, parameters in groups for p in parameters.values()}
    rates = {name: rate_of[id(p)] for name, p in network.named_parameters()}
    assert {name.split(".")[0]: rate for name, rate in rates.items()} == {
        "encoder": 1e-3,
        "fusion": 1e-3,
        "head": 1e-2,
    }


def test_rate_groups_refuse_a_decay_over_no_layers() -> None:
    network = Network()
    with pytest.raises(ConfigError, match="Linear has no numbered layers"):
        rate_by_name(network, [network.head], layer_rate_decay=0.5)


def test_rate_groups_without_decay_share_one_rate() -> None:
    network = Network()
    rate_of = rate_by_name(network, [network.encoder, network.other], layer_rate_decay=1)
    assert {rate for name, rate in rate_of.items() if not name.startswith("head")} == {1.0}


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
