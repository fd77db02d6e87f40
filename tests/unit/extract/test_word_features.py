"""A word's features: its own, its neighbours' and its pairs'; hashed alike each time."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.extract.network import Tagger, make_word_batch, windows_with_words
from smm4h_core.extract.word_features import (
    NUM_BUCKETS,
    NUM_FEATURES,
    describe_words,
    hash_words,
)
from smm4h_core.extract.words import find_words

OWN = 7
CPU = torch.device("cpu")


def hashed(text: str) -> np.ndarray:
    return hash_words(text, find_words(text))


def test_words_are_described_by_name() -> None:
    text = "Головой болею! B12"
    first, second, third = describe_words(text, find_words(text))
    assert first == {
        "w": "головой", "stem": "голов", "pre": "гол", "suf2": "ой", "suf3": "вой",
        "shape": "Xx", "after": "",
    }  # fmt: skip
    assert (second["after"], third["shape"], third["after"]) == ("!", "X9", "")


def test_neighbours_count_by_their_places() -> None:
    one, other = hashed("bad dry mouth now"), hashed("so dry mouth again")
    same = one == other
    # "dry": itself and "mouth" after it are the same, what stands before it is not.
    places = np.arange(OWN * 5) // OWN - 2
    assert same[1, : OWN * 5][(places == 0) | (places == 1)].all()
    assert not same[1, : OWN * 5][places == -1][:3].any()
    assert same[1, -1] and not same[1, -2]  # the pair "dry mouth", not "bad dry"
    # The same word counts apart at another place: its own form, and as the neighbour of the next.
    assert one[1, OWN * 2] != one[2, OWN]


def test_edges_have_no_pairs_and_little_else() -> None:
    (alone,) = hashed("nausea")
    assert (alone > 0).sum() == OWN + 4  # itself, and that nothing stands about it
    assert hashed("").shape == (0, NUM_FEATURES)


@given(st.text(max_size=60))
def test_any_text_has_a_row_a_word(text: str) -> None:
    found = hashed(text)
    assert found.shape == (len(find_words(text)), NUM_FEATURES)
    assert found.dtype == np.int32
    assert (found >= 0).all() and (found < NUM_BUCKETS).all()
    np.testing.assert_array_equal(found, hashed(text))


def test_hashes_are_the_same_in_every_process() -> None:
    # Stored weights depend on them: Python's own hash differs from process to process.
    assert hashed("dry mouth")[:, OWN * 2 : OWN * 3].tolist() == [
        [87359, 71472, 109444, 10828, 101376, 61738, 82694],
        [23062, 124470, 74414, 2574, 129266, 61738, 82694],
    ]


def test_scores_of_features_are_added_to_the_head_s(encode, tiny_bert) -> None:
    encoder = load_text_encoder(str(tiny_bert)).encoder
    tagger = Tagger(encoder, dropout=0.1, head="linear", reads_terms=False, word_features=True)
    tagger.eval()
    posts = encode(["dry mouth", "dry mouth and more"], with_terms=False, word_features=True)
    batch = make_word_batch(posts, windows_with_words(posts), pad_id=0, device=CPU)
    with torch.no_grad():
        plain = tagger(batch)
        tagger.word_features.weight.uniform_(-1, 1)
        tagger.word_features.weight[0] = 0.0
        added = tagger(batch) - plain
        for row, post in enumerate(posts):
            for word, buckets in enumerate(post.features):
                expected = tagger.word_features.weight[buckets.tolist()].sum(0)
                torch.testing.assert_close(added[row, word], expected, atol=1e-5, rtol=0)
