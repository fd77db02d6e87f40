from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from smm4h_core.bundle import load_bundle
from smm4h_core.classify.part import ClassifierPart
from smm4h_core.encoders.inference import ask_each, run_batches, settle
from smm4h_core.packaged import STARTER, locate_bundle
from smm4h_core.types import Lang, Post

CPU = torch.device("cpu")
TEXTS: dict[Lang, list[str]] = {
    "en": ["seroquel made me sleep 14 hours and my arms went numb", "it works", "no rash yet"],
    "ru": ["после феварина не могу спать и постоянно тошнит", "помогло", "голова болит"],
}


def in_precision(part: ClassifierPart, precision: str) -> ClassifierPart:
    training = part.config.training.model_copy(update={"precision": precision})
    return replace(part, config=part.config.model_copy(update={"training": training}))


def linear_dtypes(part: ClassifierPart) -> set[torch.dtype]:
    return {
        parameter.dtype
        for seed in part.networks
        for network in seed
        for module in network.modules()
        if isinstance(module, nn.Linear)
        for parameter in module.parameters()
    }


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_settle_rounds_weights_once_and_answers_the_same(lang: Lang) -> None:
    part = in_precision(load_bundle(locate_bundle(STARTER)).classifiers[lang], "bf16")
    posts = [Post(str(n), text, lang) for n, text in enumerate(TEXTS[lang])]
    before = part.decide(posts, [()] * len(posts), device=CPU)
    assert linear_dtypes(part) == {torch.float32}
    settle([part], CPU)
    assert linear_dtypes(part) == {torch.bfloat16}
    assert part.decide(posts, [()] * len(posts), device=CPU) == before


def test_settle_leaves_parts_that_differ_in_fp32(tiny_bundle: Path) -> None:
    part = load_bundle(tiny_bundle).classifiers["en"]
    settle([in_precision(part, "bf16"), in_precision(part, "fp32")], CPU)
    assert linear_dtypes(part) == {torch.float32}


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_ask_each_asks_in_order_side_by_side() -> None:
    together = threading.Barrier(2, timeout=30)  # breaks unless two are asked at once

    def answer(network: int) -> tuple[int, int]:
        if network < 2:
            together.wait()
        return network, torch.get_num_threads()

    # The fifth, left over, has both cores.
    assert ask_each(answer, range(5), device=CPU) == [*((n, 1) for n in range(4)), (4, 2)]
    assert torch.get_num_threads() == 2
    with pytest.raises(ZeroDivisionError):
        ask_each(lambda network: 1 // network, [1, 0], device=CPU)


@pytest.mark.usefixtures("two_threads")
def test_ask_each_leaves_threads_that_begin_later_as_they_would_be() -> None:
    ask_each(lambda _: None, range(2), device=CPU)
    seen: list[list[int]] = []

    def begin() -> None:
        own = torch.get_num_threads()
        seen.append([own, *ask_each(lambda _: torch.get_num_threads(), range(3), device=CPU)])

    later = threading.Thread(target=begin)
    later.start()
    later.join()
    assert seen == [[2, 1, 1, 2]]


@pytest.mark.usefixtures("two_threads")
def test_ask_each_within_another_and_after_a_fork() -> None:
    def nested(_: int) -> list[int]:
        return ask_each(lambda network: network + 1, [1, 2], device=CPU)

    assert ask_each(nested, [0, 0, 0], device=CPU) == [[2, 3]] * 3
    child = os.fork()
    if child == 0:
        os._exit(0 if nested(0) == [2, 3] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_run_batches_puts_the_mode_back_whatever_happens() -> None:
    network = nn.Linear(1, 1)

    def forward(batch: list[int]) -> torch.Tensor:
        assert not network.training
        if 2 in batch:
            raise RuntimeError("as asked")
        return network(torch.ones(len(batch), 1))

    options = {"dtype": torch.float32, "device": CPU, "batch_tokens": 4}
    places = [
        place for batch, _ in run_batches(network, [1, 3], forward, **options) for place in batch
    ]
    assert (sorted(places), network.training) == ([0, 1], True)
    with pytest.raises(RuntimeError, match="as asked"):
        list(run_batches(network, [4, 4, 4], forward, **options))
    assert network.training
