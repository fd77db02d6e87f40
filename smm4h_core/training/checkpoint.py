"""Complete training state, written atomically, so that a killed run goes on as if nothing was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from smm4h_core.errors import TrainingError
from smm4h_core.storage import Storage

Weights = dict[str, torch.Tensor]


def trained_weights(network: nn.Module) -> Weights:
    """Copies of whatever training can change: all state but frozen parameters, on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in _trained(network).items()}


def load_trained_weights(network: nn.Module, weights: Weights) -> None:
    """Put the weights back; what was frozen stays as it is.

    Raises:
        TrainingError: if a trained weight is missing, unknown or of another shape.
    """
    wanted = _trained(network)
    wrong = [n for n in wanted if n not in weights or weights[n].shape != wanted[n].shape]
    wrong += [n for n in weights if n not in wanted]
    if wrong:
        raise TrainingError(f"weights do not fit the network, first at {sorted(wrong)[0]!r}")
    network.load_state_dict(weights, strict=False)


def mix_weights(network: nn.Module, others: Weights, *, share: float) -> None:
    """Replace weights by ``(1 - share) * own + share * other``, where there is another.

    Raises:
        TrainingError: if a weight is unknown.
    """
    own = trained_weights(network)
    mixed = {
        name: torch.lerp(own[name], other, share) if other.is_floating_point() else own[name]
        for name, other in others.items()
        if name in own
    }
    load_trained_weights(network, {**others, **own, **mixed})


def _trained(network: nn.Module) -> Weights:
    frozen = {name for name, p in network.named_parameters() if not p.requires_grad}
    return {name: t for name, t in network.state_dict().items() if name not in frozen}


class CheckpointStore(Protocol):
    """Where :func:`smm4h_core.training.fit.fit` keeps its state."""

    def load(self) -> dict[str, Any] | None:
        """The last complete state, or None."""
        ...

    def save(self, state: dict[str, Any]) -> None:
        """Replace the state in one step."""
        ...


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """One file in a storage folder."""

    storage: Storage
    """The member's folder."""
    name: str = "checkpoint.pt"
    """The file's name."""

    def load(self) -> dict[str, Any] | None:
        """The last complete state, or None if there is none yet."""
        if not self.storage.exists(self.name):
            return None
        with self.storage.read(self.name) as stream:
            # weights_only: tensors and plain containers; a checkpoint can hold no code.
            state: dict[str, Any] = torch.load(stream, map_location="cpu", weights_only=True)
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Replace the state in one step."""
        self.storage.write(self.name, lambda stream: torch.save(state, stream))


def random_state() -> dict[str, Any]:
    """State of every generator that a training step draws from."""
    state: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random_state(state: dict[str, Any]) -> None:
    """Set the generators back."""
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
