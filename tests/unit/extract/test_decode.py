import itertools

import numpy as np
import pytest
import torch

from smm4h_core.errors import DataError
from smm4h_core.extract.crf import Chain, Crf, plain_chain
from smm4h_core.extract.decode import (
    PostScores,
    ScoredSpan,
    drop_overlaps,
    extract_scored,
    extract_spans,
    mean_scores,
    to_mention,
)
from smm4h_core.extract.tags import read_tags
from smm4h_core.types import Mention, Span


@pytest.fixture(params=["crf", "linear"])
def chain(request: pytest.FixtureRequest) -> Chain:
    if request.param == "linear":
        return plain_chain()
    torch.manual_seed(3)
    crf = Crf()
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    return crf()


def places_of(posts) -> list[np.ndarray]:
    return [post.places() for post in posts]


def random_logits(posts, scale: float = 2.0) -> list[np.ndarray]:
    draw = np.random.default_rng(5)
    return [scale * draw.normal(size=(len(post.pieced), 3)) for post in posts]


def spans_by_brute_force(logits: np.ndarray, chain: Chain) -> dict[tuple[int, int], float]:
    """The probability of each mention: the share of the sequences that mark it."""
    shares: dict[tuple[int, int], float] = {}
    total = 0.0
    start, moves, end = (
        part.detach().double().numpy() for part in (chain.start, chain.transitions, chain.end)
    )
    for tags in itertools.product(range(3), repeat=len(logits)):
        score = start[tags[0]] + end[tags[-1]] + sum(logits[i, t] for i, t in enumerate(tags))
        weight = float(np.exp(score + sum(moves[pair] for pair in itertools.pairwise(tags))))
        total += weight
        for found in read_tags(np.array(tags)) if weight else ():
            shares[found] = shares.get(found, 0.0) + weight
    return {found: share / total for found, share in shares.items()}


def test_prob_of_a_mention_equals_brute_force(encode, chain: Chain) -> None:
    posts = encode(["a b c d e", "one two", "x", "rash and pain", "no no no no"])
    logits = random_logits(posts)
    found = extract_spans(places_of(posts), logits, chain)
    assert sum(map(len, found)) > 4
    for post, answers, spans in zip(posts, logits, found, strict=True):
        expected = spans_by_brute_force(answers, chain)
        places = {post.words[a][0]: a for a in range(len(post.words))}
        ends = {post.words[b][1]: b + 1 for b in range(len(post.words))}
        for each in spans:
            words = (places[each.span.start], ends[each.span.end])
            assert each.prob == pytest.approx(expected[words])


def test_extract_spans_of_one_equals_many(encode, chain: Chain) -> None:
    posts = encode(["a b c d e", "", "rash and pain in arms", "!!", "x"])
    logits = random_logits(posts)
    together = extract_spans(places_of(posts), logits, chain)
    alone = [
        extract_spans(places_of([p]), [each], chain)[0]
        for p, each in zip(posts, logits, strict=True)
    ]
    assert together == alone
    assert together[1] == together[3] == ()


def test_extract_spans_answers_in_the_post_as_received(encode) -> None:
    text = "&amp; 😩 then dry&#39;s mouth @bob 🤮🤮 ok"
    (post,) = encode([text])
    words = [post.normalised.text[a:b] for a, b in post.words]
    assert words == ["crying", "then", "dry", "s", "mouth", "username", "🤮", "🤮", "ok"]
    assert post.pieced.tolist() == [0, 1, 2, 3, 4, 5, 6, 8]  # one word-piece for both emoji
    logits = np.zeros((8, 3))
    logits[[0, 2, 6], 1] = logits[[3, 4], 2] = logits[[1, 5, 7], 0] = 9
    (found,) = extract_spans(places_of([post]), [logits], plain_chain())
    quoted = [to_mention(each, text).text for each in found]
    assert quoted == ["😩", "dry&#39;s mouth", "🤮🤮"]


def test_extract_spans_never_answers_twice_for_one_emoji() -> None:
    from smm4h_core.extract.encode import WordedPost
    from smm4h_core.extract.words import find_words
    from smm4h_core.text.normalise import normalise

    normalised = normalise("ok 💉🏽", lang="en", emoji="describe")
    words = find_words(normalised.text)
    post = WordedPost("1", normalised, words, (), np.arange(len(words)), None)
    logits = np.zeros((5, 3))
    logits[:, 0] = [9, 0, 0, 0, 0]
    logits[:, 1] = [0, 9, 7, 7, 7]
    (found,) = extract_spans(places_of([post]), [logits], plain_chain())
    assert [each.span for each in found] == [Span(3, 5)]


def test_outside_bias_takes_fewer_or_more_words(encode) -> None:
    posts = encode(["a b c d e f g h"] * 5)
    logits = random_logits(posts, scale=1.0)
    counts = [
        sum(map(len, extract_spans(places_of(posts), logits, plain_chain(), outside_bias=bias)))
        for bias in (30.0, 0.0)
    ]
    assert counts[0] == 0 < counts[1]
    all_taken = extract_spans(places_of(posts), logits, plain_chain(), outside_bias=-30.0)
    covered = sum(each.span.end - each.span.start for spans in all_taken for each in spans)
    assert covered >= 5 * 8


def chained(logits, chain: Chain) -> list[PostScores]:
    return [PostScores(each, chain.rows()) for each in logits]


def learnt_chain(seed: int) -> Chain:
    crf = Crf()
    torch.manual_seed(seed)
    for each in crf.parameters():
        torch.nn.init.normal_(each)
    return crf()


def test_mean_of_equal_members_is_each_of_them(encode) -> None:
    posts = encode(["a b c d e", "rash and pain", ""])
    logits, chain = random_logits(posts, scale=4.0), learnt_chain(0)
    alone = extract_spans(places_of(posts), logits, chain)
    assert any(alone)
    mean = mean_scores([chained(logits, chain)] * 3)
    assert extract_scored(places_of(posts), mean) == alone


def test_mean_of_members_is_the_normalised_product_of_their_distributions(encode) -> None:
    # One word, so that a mention's prob is that of the tag B, which a softmax gives.
    posts = encode(["rash"])
    first, second = np.array([[0.0, 2.0, 0.0]]), np.array([[1.0, 4.0, 0.0]])
    mean = mean_scores([chained([each], plain_chain()) for each in (first, second)])
    ((found,),) = extract_scored(places_of(posts), mean)
    product = np.sqrt(np.exp(first[0, :2]) * np.exp(second[0, :2]))
    assert found.prob == pytest.approx(product[1] / product.sum())


def test_extract_scored_decodes_each_post_by_its_own_chain(encode) -> None:
    posts = encode(["a b c d e", "rash and pain", "a b c"])
    logits = random_logits(posts, scale=2.0)
    chains = [learnt_chain(seed) for seed in (0, 1, 0)]
    scores = [PostScores(each, c.rows()) for each, c in zip(logits, chains, strict=True)]
    expected = [
        extract_spans([places], [own], chain)[0]
        for places, own, chain in zip(places_of(posts), logits, chains, strict=True)
    ]
    assert extract_scored(places_of(posts), scores) == expected


def test_mean_scores_refuses_members_of_other_words() -> None:
    short, long = (chained([np.ones((n, 3))], plain_chain()) for n in (2, 4))
    with pytest.raises(DataError, match=r"equal posts, got \[1, 2\]"):
        mean_scores([short, short * 2])
    with pytest.raises(DataError, match="post 0: expected members with equal words"):
        mean_scores([short, long])


def test_drop_overlaps_keeps_by_votes_prob_length_and_order() -> None:
    a, b = ScoredSpan(Span(0, 5), 0.9, 1), ScoredSpan(Span(4, 9), 0.2, 2)
    c, d = ScoredSpan(Span(10, 12), 0.5), ScoredSpan(Span(10, 15), 0.5)
    e, f = ScoredSpan(Span(20, 22), 0.3), ScoredSpan(Span(21, 23), 0.4)
    g, h = ScoredSpan(Span(30, 32), 0.4), ScoredSpan(Span(31, 33), 0.4)
    touching = ScoredSpan(Span(9, 10), 0.1)
    assert drop_overlaps([h, g, f, e, d, c, b, a, touching]) == (b, touching, d, f, g)


def test_to_mention_quotes_the_post() -> None:
    assert to_mention(ScoredSpan(Span(2, 6), 0.5), "a rash") == Mention(Span(2, 6), "rash")
