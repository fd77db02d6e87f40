"""The chain against a brute force over every sequence of tags."""

import itertools
from dataclasses import astuple

import pytest
import torch
from torch import Tensor

from smm4h_core.extract.crf import (
    Chain,
    Crf,
    log_partition,
    negative_log_likelihood,
    plain_chain,
    score_tags,
    viterbi,
)
from smm4h_core.extract.tags import INSIDE, OUTSIDE

LENGTHS = (1, 4, 5, 2)


def is_well_formed(tags: tuple[int, ...]) -> bool:
    return all(tag != INSIDE or before != OUTSIDE for before, tag in itertools.pairwise((0, *tags)))


@pytest.fixture(params=["crf", "linear"])
def chain(request: pytest.FixtureRequest) -> Chain:
    torch.manual_seed(1)
    if request.param == "linear":
        return plain_chain().to(torch.device("cpu"), torch.float64)
    crf = Crf().double()
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.normal_()
    made = crf()
    return Chain(made.start.detach(), made.transitions.detach(), made.end.detach())


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    emissions = 2 * torch.randn(len(LENGTHS), 5, 3, generator=generator, dtype=torch.float64)
    return emissions, torch.arange(5) < torch.tensor(LENGTHS)[:, None]


def by_brute_force(emissions: Tensor, length: int, chain: Chain) -> dict[tuple[int, ...], float]:
    """Every well-formed sequence's score, summed by hand."""
    scores = {}
    for tags in itertools.product(range(3), repeat=length):
        if is_well_formed(tags):
            score = chain.start[tags[0]] + chain.end[tags[-1]]
            score = score + sum(emissions[i, tag] for i, tag in enumerate(tags))
            score = score + sum(chain.transitions[pair] for pair in itertools.pairwise(tags))
            scores[tags] = float(score)
    return scores


def test_partition_scores_and_losses_equal_brute_force(chain: Chain, batch) -> None:
    emissions, mask = batch
    totals = log_partition(emissions, mask, chain)
    for row, length in enumerate(LENGTHS):
        scores = by_brute_force(emissions[row], length, chain)
        expected = torch.tensor(list(scores.values()), dtype=torch.float64).logsumexp(0)
        assert totals[row] == pytest.approx(expected.item())
        for tags, score in scores.items():
            padded = torch.tensor([[*tags, *[2] * (5 - length)]])  # padding's tags count nothing
            one = emissions[row : row + 1], padded, mask[row : row + 1], chain
            assert score_tags(*one).item() == pytest.approx(score)
            assert negative_log_likelihood(*one).item() == pytest.approx(expected.item() - score)


def test_viterbi_equals_brute_force_and_is_well_formed(chain: Chain, batch) -> None:
    emissions, mask = batch
    best = viterbi(emissions, mask, chain)
    for row, length in enumerate(LENGTHS):
        scores = by_brute_force(emissions[row], length, chain)
        expected = max(scores, key=lambda tags: scores[tags])
        assert best[row].tolist() == [*expected, *[OUTSIDE] * (5 - length)]


def test_viterbi_never_begins_with_inside_however_sure_the_logits() -> None:
    emissions = torch.tensor([[[0.0, -1.0, 50.0], [0.0, -50.0, 50.0]]])
    mask = torch.ones(1, 2, dtype=torch.bool)
    assert viterbi(emissions, mask, plain_chain()).tolist() == [[1, 2]]


def test_chain_goes_to_rows_and_back(chain: Chain) -> None:
    again = Chain.of_rows(chain.rows())
    for one, other in zip(astuple(again), astuple(chain), strict=True):
        assert torch.equal(one, other.double())


def test_loss_has_finite_gradients_and_none_in_the_padding(batch) -> None:
    emissions, mask = batch
    emissions = emissions.float().requires_grad_()
    crf = Crf()
    tags = torch.tensor([[0, 2, 2, 2, 2], [1, 2, 0, 0, 2], [0, 1, 1, 2, 0], [1, 2, 0, 0, 0]])
    negative_log_likelihood(emissions, tags, mask, crf()).sum().backward()
    assert emissions.grad is not None
    assert torch.isfinite(emissions.grad).all()
    assert (emissions.grad[~mask] == 0).all()
    assert all(torch.isfinite(p.grad).all() and p.grad.any() for p in crf.parameters())


def test_crf_saves_only_what_it_learns() -> None:
    assert sorted(Crf().state_dict()) == ["end", "start", "transitions"]
