import numpy as np
import pytest
import torch

from smm4h_core.extract.network import Tagger
from smm4h_core.extract.predict import predict_word_logits
from smm4h_core.extract.windows import best_windows
from tests.unit.extract.conftest import POSTS

OPTIONS = {"pad_id": 0, "dtype": torch.float32, "device": torch.device("cpu")}
LONG = "dry mouth, weight gain; headaches and more " * 4


def test_word_logits_of_one_equal_those_of_many_in_any_order(encode, tagger: Tagger) -> None:
    posts = encode([*POSTS, LONG], max_length=24)
    together = predict_word_logits(tagger, posts, **OPTIONS)
    turned = predict_word_logits(tagger, posts[::-1], **OPTIONS)[::-1]
    small = predict_word_logits(tagger, posts, batch_tokens=24, **OPTIONS)
    alone = [predict_word_logits(tagger, [post], **OPTIONS)[0] for post in posts]
    for post, *answers in zip(posts, together, turned, small, alone, strict=True):
        assert answers[0].shape == (len(post.pieced), 3)
        for other in answers[1:]:
            assert other == pytest.approx(answers[0], abs=1e-4)


def test_word_logits_of_a_long_post_are_its_windows(encode, tagger: Tagger) -> None:
    (post,) = encode([LONG], max_length=24, stride=8)
    (logits,) = predict_word_logits(tagger, [post], **OPTIONS)
    best = best_windows(post.windows, len(post.words))
    assert len(set(best.tolist())) == len(post.windows) > 3
    for number, window in enumerate(post.windows):
        text = post.normalised.text
        starts = [post.words[word][0] for word in window.words]
        end = post.words[window.words[-1]][1]
        while end < len(text) and not text[end].isalnum():
            end += 1
        (same,) = encode([text[starts[0] : end]])
        (expected,) = predict_word_logits(tagger, [same], **OPTIONS)
        answered = np.flatnonzero(best[window.words] == number)
        same_terms = same.term_tags[answered] == post.term_tags[window.words[answered]]
        assert same_terms.mean() > 0.5  # a term cut by the window is whole in the post
        assert logits[window.words[answered]][same_terms] == pytest.approx(
            expected[answered][same_terms], abs=1e-4
        )


def test_word_logits_leave_the_network_as_it_was(encode, tagger: Tagger) -> None:
    tagger.train()
    posts = encode(POSTS)
    first = predict_word_logits(tagger, posts, **OPTIONS)
    second = predict_word_logits(tagger, posts, **OPTIONS)
    assert tagger.training
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


def test_word_logits_of_a_post_without_words_are_none(encode, tagger: Tagger) -> None:
    answers = predict_word_logits(tagger, encode(["", "!!", "...  ?"]), **OPTIONS)
    assert [answer.shape for answer in answers] == [(0, 3)] * 3
    assert predict_word_logits(tagger, [], **OPTIONS) == []
