"""From word logits to mentions, each with its probability.

Decoding is one for both heads: Viterbi over the head's chain, in which no sequence is ill-formed.
A mention's prob is the chain's own marginal: the probability that exactly these words, no more and
no fewer, are one mention.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smm4h_core.errors import DataError
from smm4h_core.extract.crf import Chain, ChainRows, Messages, forward_backward, viterbi
from smm4h_core.extract.encode import WordPlaces
from smm4h_core.extract.predict import WordLogits
from smm4h_core.extract.tags import BEGIN, INSIDE, NUM_TAGS, OUTSIDE, read_tags
from smm4h_core.types import Mention, Span

DECODED_AT_ONCE = 512
"""Posts in a batch; of like length, so little is padding."""


@dataclass(frozen=True, slots=True)
class ScoredSpan:
    """A predicted mention of one post."""

    span: Span
    """Where it stands in the post as received."""
    prob: float
    """Of this very span, in [0, 1]."""
    votes: int = 1
    """Members that say it."""


@dataclass(frozen=True, slots=True, eq=False)
class PostScores:
    """What a tagger, or several as one, scores a post's tags by."""

    logits: WordLogits
    """``(P, 3)`` of its words."""
    chain: ChainRows
    """``(5, 3)`` of tags in sequence."""


def extract_spans(
    places: Sequence[WordPlaces],
    logits: Sequence[WordLogits],
    chain: Chain,
    *,
    outside_bias: float = 0.0,
) -> list[tuple[ScoredSpan, ...]]:
    """Each post's mentions in order of appearance; none overlap.

    Args:
        places: Where each post's words stand, `WordedPost.places`.
        logits: The network's.
        chain: The network's `Tagger.chain`.
        outside_bias: Added to every logit of ``O``: below zero more words are taken, above it
            fewer. Chosen on development data, like a threshold.
    """
    found: list[tuple[ScoredSpan, ...]] = [()] * len(places)
    offset = np.zeros(NUM_TAGS)
    offset[OUTSIDE] = outside_bias
    for chosen, emissions, mask, exact in _batches([each + offset for each in logits], chain):
        tags = viterbi(emissions, mask, exact)
        some = tags.any(dim=1)
        if not some.any():
            continue  # most posts mention nothing, and probs are asked of mentions alone
        emissions, mask = emissions[some], mask[some]
        scores = _Scores.of(emissions, forward_backward(emissions, mask, exact), exact)
        for row, at in enumerate(torch.nonzero(some)[:, 0].tolist()):
            index = chosen[at]
            best = tags[at, : len(logits[index])].numpy()
            found[index] = _mentions(places[index], best, scores, row)
    return found


def extract_scored(
    places: Sequence[WordPlaces], scores: Sequence[PostScores], *, outside_bias: float = 0.0
) -> list[tuple[ScoredSpan, ...]]:
    """As `extract_spans`, of posts that each bring the chain which they are decoded by."""
    by_chain: dict[bytes, list[int]] = {}
    for index, each in enumerate(scores):
        by_chain.setdefault(each.chain.tobytes(), []).append(index)
    found: list[tuple[ScoredSpan, ...]] = [()] * len(places)
    for chosen in by_chain.values():
        spans = extract_spans(
            [places[i] for i in chosen],
            [scores[i].logits for i in chosen],
            Chain.of_rows(scores[chosen[0]].chain),
            outside_bias=outside_bias,
        )
        for index, own in zip(chosen, spans, strict=True):
            found[index] = own
    return found


def mean_scores(members: Sequence[Sequence[PostScores]]) -> list[PostScores]:
    """Members as one: a field whose scores are the mean of theirs.

    Its distribution over a post's tags is the normalised geometric mean of the members' (a product
    of experts, Hinton 2002); of one member it is the member's own. The mean of their marginals is
    another thing: decoded as a chain it meets the chain's constraints twice, which moves borders.

    The members must read the same words, that is with one tokeniser.

    Raises:
        DataError: members that answer other posts or words.
    """
    means: list[PostScores] = []
    if len({len(member) for member in members}) != 1:
        raise DataError(f"expected members with equal posts, got {[len(m) for m in members]}")
    for index, by_member in enumerate(zip(*members, strict=True)):
        if len({each.logits.shape for each in by_member}) != 1:
            shapes = [each.logits.shape for each in by_member]
            raise DataError(f"post {index}: expected members with equal words, got {shapes}")
        means.append(
            PostScores(
                np.mean([each.logits for each in by_member], axis=0),
                np.mean([each.chain for each in by_member], axis=0),
            )
        )
    return means


def to_mention(found: ScoredSpan, text: str) -> Mention:
    """A predicted span with the words that the post has there."""
    return Mention(found.span, text[found.span.start : found.span.end])


def drop_overlaps(spans: Sequence[ScoredSpan]) -> tuple[ScoredSpan, ...]:
    """Spans of which no two overlap, in order of appearance.

    Of two that do, the one of more votes stays; of equal votes that of the greater prob, then the
    longer, then the first.
    """
    kept: list[ScoredSpan] = []  # in order of appearance
    for each in sorted(spans, key=_rank):
        place = bisect(kept, each.span, key=attrgetter("span"))
        beside = kept[max(0, place - 1) : place + 1]
        if not any(each.span.overlaps(other.span) for other in beside):
            kept.insert(place, each)
    return tuple(kept)


def _rank(each: ScoredSpan) -> tuple[int, float, int, int]:
    return (-each.votes, -each.prob, each.span.start - each.span.end, each.span.start)


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """A batch's emissions and `Messages`, and the chain, as arrays: quicker to pick from."""

    emissions: NDArray[np.float64]
    alpha: NDArray[np.float64]
    beta: NDArray[np.float64]
    log_partition: NDArray[np.float64]
    transitions: NDArray[np.float64]
    end: NDArray[np.float64]

    @classmethod
    def of(cls, emissions: Tensor, messages: Messages, chain: Chain) -> _Scores:
        return cls(
            *(each.numpy() for each in (emissions, messages.alpha, messages.beta)),
            *(each.numpy() for each in (messages.log_partition, chain.transitions, chain.end)),
        )


def _mentions(
    places: WordPlaces, tags: NDArray[np.int64], scores: _Scores, row: int
) -> tuple[ScoredSpan, ...]:
    spans = []
    for first, last in read_tags(tags):
        prob = _span_prob(scores, row, first, last, len(tags))
        span = Span(int(places[first, 0]), int(places[last - 1, 1]))
        spans.append(ScoredSpan(span, prob))
    # Two words may stand for one emoji of the post as received.
    return drop_overlaps(spans)


def _span_prob(scores: _Scores, row: int, first: int, last: int, size: int) -> float:
    """The marginal of ``B I ... I`` on the words ``[first, last)`` with no ``I`` after them."""
    log_prob = float(scores.alpha[row, first, BEGIN] - scores.log_partition[row])
    tag = BEGIN
    for word in range(first + 1, last):
        log_prob += float(scores.transitions[tag, INSIDE] + scores.emissions[row, word, INSIDE])
        tag = INSIDE
    if last == size:
        log_prob += float(scores.end[tag])
    else:
        onwards = scores.transitions[tag] + scores.emissions[row, last] + scores.beta[row, last]
        log_prob += float(np.logaddexp(onwards[OUTSIDE], onwards[BEGIN]))
    return min(1.0, math.exp(log_prob))


def _batches(
    logits: Sequence[WordLogits], chain: Chain
) -> Iterator[tuple[list[int], Tensor, Tensor, Chain]]:
    """Posts that have words, of like length together: indices, emissions, mask, chain in float64.

    Single precision would let a mention's prob depend on the posts that stand beside it.
    """
    exact = chain.to(torch.device("cpu"), torch.float64)
    exact = Chain(exact.start.detach(), exact.transitions.detach(), exact.end.detach())
    order = sorted((i for i, each in enumerate(logits) if len(each)), key=lambda i: len(logits[i]))
    for start in range(0, len(order), DECODED_AT_ONCE):
        chosen = order[start : start + DECODED_AT_ONCE]
        emissions = torch.zeros(len(chosen), len(logits[chosen[-1]]), NUM_TAGS, dtype=torch.float64)
        for row, index in enumerate(chosen):
            emissions[row, : len(logits[index])] = torch.from_numpy(logits[index])
        sizes = torch.tensor([len(logits[index]) for index in chosen])
        yield chosen, emissions, torch.arange(emissions.shape[1]) < sizes[:, None], exact
