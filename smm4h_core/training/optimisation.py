"""Optimiser and learning-rate schedule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from smm4h_core.errors import ConfigError


def build_optimiser(
    groups: Iterable[tuple[float, Mapping[str, nn.Parameter]]],
    *,
    optimiser: Literal["adam", "adamw"],
    weight_decay: float,
) -> torch.optim.Optimizer:
    """Adam (the paper's) or AdamW over groups of named parameters, each with its own rate.

    Biases and layer norms (vectors) are never decayed: shrinking them towards zero has no
    regularising sense (the BERT paper's own set-up).

    Args:
        groups: ``(learning rate, parameters by name)``; frozen parameters are left out.
        optimiser: Which of the two.
        weight_decay: Decoupled decay of matrices; only AdamW has it.
    """
    parts = []
    for rate, parameters in groups:
        trained = [p for p in parameters.values() if p.requires_grad]
        for decayed in (True, False):
            chosen = [p for p in trained if (p.dim() > 1) == decayed]
            if chosen:
                decay = weight_decay if decayed else 0.0
                parts.append({"params": chosen, "lr": rate, "weight_decay": decay})
    kind = torch.optim.AdamW if optimiser == "adamw" else torch.optim.Adam
    return kind(parts, fused=True)


def rate_groups(
    network: nn.Module,
    pretrained: Sequence[nn.Module],
    *,
    learning_rate: float,
    head_rate_factor: float,
    layer_rate_decay: float,
) -> list[tuple[float, dict[str, nn.Parameter]]]:
    """Learning rates by depth: the new layers' own, each encoder's falling from its top down.

    What joins encoders (``fusion``) is new and learns at their top layers' rate: at ten times that,
    which the Universal Sentence Encoder's head wants, cross-attention drowned the text within an
    epoch and every post got the same answer.

    Depth is read off the parameters' names (``...layer.<n>...``); what stands outside the layers,
    the embeddings that is, counts as one below the first. Without decay there are two groups.

    Args:
        network: All that is trained.
        pretrained: Its encoders; the rest of it is new.
        learning_rate: Of the encoders' top layers.
        head_rate_factor: The new layers' rate as a multiple of it.
        layer_rate_decay: Factor from a layer to the one below it.

    Raises:
        ConfigError: a decay for an encoder whose parameters name no layers.
    """
    by_depth: dict[int, dict[str, nn.Parameter]] = {}
    for place, encoder in enumerate(pretrained):
        depths = {name: _depth(name) for name, _ in encoder.named_parameters()}
        top = max(depths.values(), default=0)
        if layer_rate_decay < 1 and top == 0:
            raise ConfigError(
                f"training.layer_rate_decay: {type(encoder).__name__} has no numbered layers"
            )
        for name, parameter in encoder.named_parameters():
            below_top = top - depths[name] if layer_rate_decay < 1 else 0
            by_depth.setdefault(below_top, {})[f"{place}.{name}"] = parameter
    encoded = {id(parameter) for encoder in pretrained for parameter in encoder.parameters()}
    fresh = {name: p for name, p in network.named_parameters() if id(p) not in encoded}
    joins = {name: p for name, p in fresh.items() if name.startswith("fusion.")}
    head = {name: p for name, p in fresh.items() if name not in joins}
    groups = [(learning_rate * head_rate_factor, head)]
    groups += [(learning_rate, joins)] if joins else []
    groups += [(learning_rate * layer_rate_decay**n, by_depth[n]) for n in sorted(by_depth)]
    return groups


def _depth(name: str) -> int:
    found = re.search(r"\blayers?\.(\d+)\.", name)
    return int(found.group(1)) + 1 if found else 0


def build_schedule(
    optimiser: torch.optim.Optimizer,
    *,
    schedule: Literal["constant", "warmup_linear"],
    warmup_fraction: float,
    num_steps: int,
) -> LambdaLR:
    """Constant rate (the paper's), or a linear rise followed by a linear fall to zero."""
    if schedule == "constant":
        return LambdaLR(optimiser, lambda _: 1.0)
    warmup = max(1, round(num_steps * warmup_fraction))
    fall = max(1, num_steps - warmup)

    def factor(step: int) -> float:
        rising = (step + 1) / warmup
        falling = (num_steps - step) / fall
        return max(0.0, min(1.0, rising, falling))

    return LambdaLR(optimiser, factor)
