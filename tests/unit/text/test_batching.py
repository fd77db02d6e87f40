from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.text.batching import batch_by_tokens, inference_batches, training_batches

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=200)


@given(lengths=LENGTHS, budget=st.integers(1, 400), posts=st.none() | st.integers(1, 10))
def test_batch_by_tokens_keeps_the_budget_and_every_post(
    lengths: list[int], budget: int, posts: int | None
) -> None:
    order = list(range(len(lengths)))
    batches = batch_by_tokens(order, lengths, batch_tokens=budget, batch_posts=posts)
    assert [i for batch in batches for i in batch] == order
    for batch in batches:
        padded = max(lengths[i] for i in batch) * len(batch)
        assert padded <= budget or len(batch) == 1
        assert posts is None or len(batch) <= posts


@given(lengths=LENGTHS, seed=st.integers(0, 5), epoch=st.integers(0, 3))
def test_training_batches_hold_every_post_once(lengths: list[int], seed: int, epoch: int) -> None:
    labels = [i % 3 == 0 for i in range(len(lengths))]
    batches = training_batches(lengths, labels, batch_tokens=100, seed=seed, epoch=epoch)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))


def test_training_batches_depend_on_seed_and_epoch_alone() -> None:
    lengths, labels = list(range(1, 101)), [i % 4 == 0 for i in range(100)]

    def draw(seed: int, epoch: int) -> list[list[int]]:
        return training_batches(lengths, labels, batch_tokens=256, seed=seed, epoch=epoch)

    assert draw(1, 2) == draw(1, 2)
    assert draw(1, 2) != draw(1, 3)
    assert draw(1, 2) != draw(2, 2)


def test_training_batches_oversampled_are_balanced_each() -> None:
    lengths = [10] * 90 + [20] * 10  # positives are the long ones, as in real posts
    labels = [False] * 90 + [True] * 10
    batches = training_batches(lengths, labels, batch_tokens=200, oversample=True, seed=0, epoch=0)
    for batch in batches:
        positives = sum(labels[i] for i in batch)
        assert abs(positives - (len(batch) - positives)) <= 1
    drawn = [i for batch in batches for i in batch]
    assert set(drawn) == set(range(100))
    assert sum(labels[i] for i in drawn) == 90


def test_training_batches_pad_little_on_posts_of_mixed_length() -> None:
    lengths = [5 + (i * 37) % 60 for i in range(3000)]
    batches = training_batches(lengths, [False] * 3000, batch_tokens=1024, seed=0, epoch=0)
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in batches)
    assert padded / sum(lengths) < 1.05


def test_inference_batches_go_from_short_to_long() -> None:
    batches = inference_batches([3, 1, 2, 9], batch_tokens=6, step_tokens=6)
    assert batches == [[1, 2], [0], [3]]


@given(lengths=LENGTHS, budget=st.integers(1, 400), step=st.integers(0, 100))
def test_inference_batches_keep_the_budget_and_pad_less_than_a_step(
    lengths: list[int], budget: int, step: int
) -> None:
    batches = inference_batches(lengths, batch_tokens=budget, step_tokens=step)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = max(lengths[i] for i in batch) * len(batch)
        assert padded <= budget or len(batch) == 1
        assert padded - sum(lengths[i] for i in batch) <= step


def test_inference_batches_cost_little_more_than_the_cheapest() -> None:
    rng = random.Random(0)
    lengths = sorted(max(4, round(rng.lognormvariate(3, 0.5))) for _ in range(150))
    batches = inference_batches(lengths, batch_tokens=1024, step_tokens=80)
    cost = sum(max(lengths[i] for i in batch) * len(batch) + 80 for batch in batches)
    cheapest = [0.0] + [float("inf")] * len(lengths)
    for end in range(1, len(lengths) + 1):  # by the last batch, however it begins
        for start in range(end):
            padded = lengths[end - 1] * (end - start)
            if padded <= 1024:
                cheapest[end] = min(cheapest[end], cheapest[start] + padded + 80)
    assert cost <= 1.03 * cheapest[-1]
    as_full_as_they_get = inference_batches(lengths, batch_tokens=4096, step_tokens=4096)
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in as_full_as_they_get)
    assert cost < 0.8 * padded
