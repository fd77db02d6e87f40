"""Forward passes without gradients: in which batches, and with weights in which number format."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from threading import Barrier, Lock
from typing import Any, Protocol, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from smm4h_core.encoders.base import TextEncoder
from smm4h_core.encoders.precision import Precision, autocast, choose_dtype
from smm4h_core.text.batching import inference_batches

A = TypeVar("A")
N = TypeVar("N")


@dataclass(frozen=True, slots=True)
class Budget:
    """What batches without gradients are cut by, in word-pieces."""

    batch: int
    """Most of a batch, padding included."""
    step: int
    """What a forward pass costs beside its word-pieces, so that no batch pads more."""


CPU_BUDGET, GPU_BUDGET = Budget(1024, 80), Budget(4096, 512)
"""On a core, 1024 word-pieces stay in its caches where 4096 do not: a fifth less time. A pass of
the embedded encoder takes 3 ms there and 0.04 ms more for each word-piece."""


def run_batches(
    network: nn.Module,
    lengths: Sequence[int],
    forward: Callable[[list[int]], Tensor],
    *,
    dtype: torch.dtype,
    device: torch.device,
    batch_tokens: int | None = None,
) -> Iterator[tuple[list[int], NDArray[Any]]]:
    """Yield the places of a batch's texts, and what ``forward`` answers as an array ``(B, ...)``.

    The network answers in evaluation mode, and is in the mode that it was when all are done.

    Args:
        network: What ``forward`` calls.
        lengths: Word-pieces of each text.
        forward: Answers the texts at some places.
        dtype: Of matrix products.
        device: Where the network is; it decides the size of batches.
        batch_tokens: Most word-pieces in a batch instead.
    """
    budget = CPU_BUDGET if device.type == "cpu" else GPU_BUDGET
    most = batch_tokens or budget.batch
    encoder = next((each for each in network.modules() if isinstance(each, TextEncoder)), None)
    padding_is_free = encoder is not None and encoder.skips_padding(device)
    batches = inference_batches(
        lengths, batch_tokens=most, step_tokens=most if padding_is_free else budget.step
    )
    was_training = network.training
    network.eval()
    try:
        for batch in batches:
            with torch.inference_mode(), autocast(dtype, device):
                answer = forward(batch)
            yield batch, answer.float().cpu().numpy()
    finally:
        network.train(was_training)


def ask_each(answer: Callable[[N], A], networks: Sequence[N], *, device: torch.device) -> list[A]:
    """What each of several networks answers, in order; on a CPU they take a core each.

    Networks side by side keep cores busier than one at a time, whose products are shared out. Those
    left over when each core has had as many share the cores, so that a last one has them all.

    Args:
        answer: Asks one, perhaps in another thread than the caller's.
        networks: Whom to ask.
        device: Where they are.
    """
    num_threads = torch.get_num_threads()
    num_workers = min(len(networks), num_threads)
    if device.type != "cpu" or num_workers < 2:
        return [answer(network) for network in networks]
    with _STARTING:  # threads do not outlive a fork
        workers = _workers(num_workers, num_threads // num_workers, os.getpid())
    dealt = len(networks) - len(networks) % num_workers
    answers = list(workers.map(answer, networks[:dealt]))
    return answers + ask_each(answer, networks[dealt:], device=device)


_STARTING = Lock()


@cache
def _workers(number: int, threads_each: int, _pid: int) -> ThreadPoolExecutor:
    """Threads whose products have so many threads each, while all others' stay as they are."""
    before, ready = torch.get_num_threads(), Barrier(number + 1)

    def begin() -> None:
        # Also what threads begin with that first meet torch later; a look makes it this one's own.
        torch.set_num_threads(threads_each)
        torch.get_num_threads()
        ready.wait()

    workers = ThreadPoolExecutor(number, "network", initializer=begin)
    for _ in range(number):
        workers.submit(int)
    ready.wait()
    torch.set_num_threads(before)
    return workers


class Part(Protocol):
    """Networks that only answer."""

    @property
    def networks(self) -> tuple[tuple[nn.Module, ...], ...]:
        """By seed, then by fold or kind."""
        ...

    @property
    def precisions(self) -> frozenset[Precision]:
        """What they multiply in."""
        ...


def settle(parts: Collection[Part], device: torch.device) -> None:
    """Move networks that only answer to their device, for good: in bf16, where they multiply in it.

    Autocast would round the same weights alike in every pass: answers are the same to the last bit,
    and a lone post's comes in a quarter less time. Linear layers take half the memory, word tables
    stay as they are. Parts may share weights, so those of parts that differ in precision stay in
    fp32.
    """
    dtypes = {choose_dtype(each, device) for part in parts for each in part.precisions}
    for network in (network for part in parts for seed in part.networks for network in seed):
        network.to(device)
        if dtypes == {torch.bfloat16}:
            for module in network.modules():
                if isinstance(module, nn.Linear):
                    module.to(torch.bfloat16)
