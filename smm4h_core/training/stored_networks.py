"""A part's networks on disk: what members share once, then each member's own weights.

Files: ``encoder/`` as encoders are saved, ``encoder/frozen.safetensors`` where something is frozen,
``members/s<seed>-f<fold>.safetensors``.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as safetensors_bytes
from torch import nn

from smm4h_core.errors import BundleError, TrainingError
from smm4h_core.storage import Storage
from smm4h_core.training.checkpoint import load_trained_weights, trained_weights

N = TypeVar("N", bound=nn.Module)

FROZEN = "encoder/frozen.safetensors"


def save_networks(
    network: nn.Module,
    members: Sequence[Sequence[Storage]],
    *,
    seeds: Sequence[int],
    weights_name: str,
    folder: Path,
    with_frozen: bool = True,
) -> None:
    """Write what is frozen and every member's weights; ``encoder/`` is there already.

    Args:
        network: Any member's; its frozen weights are those of all.
        members: ``(S, F)`` folders that hold each member's weights.
        seeds: ``(S,)`` their seeds.
        weights_name: The weights' file name in a member's folder.
        folder: The part's.
        with_frozen: Whether what is frozen goes with them, or lies elsewhere.
    """
    trained = trained_weights(network)
    frozen = {k: v.contiguous() for k, v in network.state_dict().items() if k not in trained}
    if frozen and with_frozen:
        (folder / FROZEN).write_bytes(safetensors_bytes(frozen))
    (folder / "members").mkdir(exist_ok=True)
    for seed, folds in zip(seeds, members, strict=True):
        for fold, storage in enumerate(folds):
            path = folder / member_file(seed, fold)
            with storage.read(weights_name) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)


def load_networks(
    blank: N, *, seeds: Sequence[int], num_folds: int, folder: Path, with_frozen: bool = True
) -> tuple[tuple[N, ...], ...]:
    """The members ``(S, F)`` in evaluation mode; what is frozen is one for all.

    Args:
        blank: A network as members have it, its weights unset; it becomes the last member.
        seeds: ``(S,)`` seeds.
        num_folds: Members a seed, ``F``.
        folder: The part's.
        with_frozen: Whether what is frozen lies there, or is in ``blank`` already.

    Raises:
        BundleError: naming the file that does not fit.
    """
    if with_frozen and any(not parameter.requires_grad for parameter in blank.parameters()):
        _load_frozen(blank, folder / FROZEN)
    copies = [_share_frozen(blank) for _ in range(len(seeds) * num_folds - 1)]
    unfilled = iter((*copies, blank))
    return tuple(
        tuple(
            _fill_member(next(unfilled), folder / member_file(seed, fold))
            for fold in range(num_folds)
        )
        for seed in seeds
    )


def member_file(seed: int, fold: int) -> str:
    """Where a member's weights lie below a part's folder."""
    return f"members/s{seed}-f{fold}.safetensors"


def _load_frozen(blank: nn.Module, path: Path) -> None:
    tensors = load_file(path)
    expected = {name: p.shape for name, p in blank.named_parameters() if not p.requires_grad}
    if {name: tensor.shape for name, tensor in tensors.items()} != expected:
        raise BundleError(f"{path}: expected {sorted(expected)}, got {sorted(tensors)}")
    blank.load_state_dict(tensors, strict=False)


def _share_frozen(blank: N) -> N:
    shared = {id(p): p for p in blank.parameters() if not p.requires_grad}
    return copy.deepcopy(blank, shared)  # the memo makes copies share what is frozen


def _fill_member(network: N, path: Path) -> N:
    try:
        load_trained_weights(network, load_file(path))
    except (OSError, SafetensorError, TrainingError) as error:
        raise BundleError(f"{path}: {error}") from None
    network.requires_grad_(False)
    return network.eval()
