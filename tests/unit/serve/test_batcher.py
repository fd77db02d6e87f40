from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from serve.batcher import Batcher


def collect(batches: list[list[int]], *, budget: int = 10, wait_s: float = 0.01):
    async def answer(asked: Sequence[int]) -> list[int]:
        batches.append(list(asked))
        await asyncio.sleep(0.01)
        if 13 in asked:
            raise ValueError("13")
        return [2 * each for each in asked]

    return Batcher(answer, lambda asked: asked, budget=budget, wait_s=wait_s)


def test_batcher_answers_together_what_fits_the_budget() -> None:
    async def run() -> tuple[list[list[int]], list[int]]:
        batches: list[list[int]] = []
        batcher = collect(batches)
        answers = await asyncio.gather(*(batcher.ask(each) for each in (4, 5, 3, 2, 40, 1)))
        return batches, [answer for answer, _ in answers]

    batches, answers = asyncio.run(run())
    assert answers == [8, 10, 6, 4, 80, 2]
    assert batches == [[4, 5], [3, 2], [40], [1]]


def test_batcher_lets_no_request_suffer_for_another() -> None:
    async def run() -> list[object]:
        batcher = collect([], budget=100)
        asked = (batcher.ask(each) for each in (1, 13, 2))
        return await asyncio.gather(*asked, return_exceptions=True)

    first, second, third = asyncio.run(run())
    assert (first[0], third[0]) == (2, 4)
    assert isinstance(second, ValueError)


def test_batcher_leaves_out_whoever_went_away() -> None:
    async def run() -> list[list[int]]:
        batches: list[list[int]] = []
        batcher = collect(batches, budget=3)
        first = asyncio.create_task(batcher.ask(3))
        gone = asyncio.create_task(batcher.ask(2))
        last = asyncio.create_task(batcher.ask(1))
        await asyncio.sleep(0.005)
        gone.cancel()
        await asyncio.gather(first, last)
        with pytest.raises(asyncio.CancelledError):
            await gone
        return batches

    assert asyncio.run(run()) == [[3], [1]]


def test_batcher_takes_a_new_budget_at_once() -> None:
    async def run() -> list[list[int]]:
        batches: list[list[int]] = []
        batcher = collect(batches)
        await batcher.ask(9)
        batcher.budget = 2
        await asyncio.gather(batcher.ask(2), batcher.ask(2))
        assert batcher.busy_s() == 0
        return batches

    assert asyncio.run(run()) == [[9], [2], [2]]
