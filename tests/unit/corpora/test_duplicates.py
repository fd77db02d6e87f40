"""The join finds exactly the pairs that comparing all with all finds."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smm4h_core.corpora.duplicates import connect, find_clusters, word_set
from smm4h_core.corpora.set_join import connecting_pairs

LONG = "the new pills made me sleep for fourteen hours and i woke up sad"
TEXTS = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=12).map(" ".join), max_size=12)


def _clusters_by_brute_force(texts: list[str], threshold: float) -> list[int]:
    sets = [word_set(text) for text in texts]
    pairs = [
        (one, two)
        for one, two in itertools.combinations(range(len(texts)), 2)
        if len(sets[one] & sets[two]) / len(sets[one] | sets[two]) >= threshold - 1e-9
    ]
    return connect(pairs, range(len(texts)), len(texts))


@given(texts=TEXTS, threshold=st.sampled_from([0.3, 0.55, 0.7, 0.8, 1.0]))
@example(texts=["a b c d e f g h i j k", " ".join("abcdefghijklmnopqrst")], threshold=0.55)
def test_find_clusters_is_exact(texts: list[str], threshold: float) -> None:
    assert find_clusters(texts, threshold) == _clusters_by_brute_force(texts, threshold)


def test_find_clusters_sees_through_retweets_links_and_a_changed_word() -> None:
    texts = [LONG, f"RT @someone: {LONG.upper()}! https://t.co/x", LONG.replace("sad", "ill"), "no"]
    assert find_clusters(texts) == [0, 0, 0, 1]


def test_find_clusters_chains_neighbours() -> None:
    steps = ["a b c d e f g h i j", "a b c d e f g h i k", "a b c d e f g h l k"]
    assert len(word_set(steps[0]) & word_set(steps[2])) / 12 < 0.8
    assert find_clusters(steps) == [0, 0, 0]


def test_find_clusters_tells_texts_without_words_apart() -> None:
    assert find_clusters(["\U0001f634", "\U0001f480", "\U0001f634 ", "", "@a", "@b"]) == [
        *(0, 1, 0, 2, 3, 4)
    ]


@pytest.mark.parametrize("threshold", [0, -0.1, 1.1])
def test_find_clusters_refuses_a_threshold_outside_its_range(threshold: float) -> None:
    with pytest.raises(ValueError, match="expected a threshold in"):
        find_clusters([], threshold)


@given(
    frames=st.lists(st.integers(0, 3), min_size=1, max_size=3),
    slots=st.lists(st.lists(st.integers(0, 4), min_size=4, max_size=4), max_size=30),
    threshold=st.sampled_from([0.5, 0.7, 0.8]),
)
def test_find_clusters_is_exact_on_posts_of_few_templates(
    frames: list[int], slots: list[list[int]], threshold: float
) -> None:
    texts = [
        " ".join([f"f{frame}{at}" for at in range(8 + frame)] + [f"s{at}{s}" for at, s in own])
        for number, values in enumerate(slots)
        for frame in [frames[number % len(frames)]]
        for own in [list(enumerate(values))]
    ]
    assert find_clusters(texts, threshold) == _clusters_by_brute_force(texts, threshold)


def test_connecting_pairs_gives_one_pair_for_each_post_of_a_cluster() -> None:
    frame = [f"word{number}" for number in range(20)]
    sets = [frozenset((*frame, f"own{number}")) for number in range(300)]
    assert len(list(connecting_pairs(sets, 0.8))) == 299


@pytest.mark.parametrize("own", ["{0} {0}x", "{0}"])
def test_find_clusters_takes_no_square_of_the_number_of_templated_posts(own: str) -> None:
    frame = "i took mg of it and it made me sleepy all day long but now i feel "
    texts = [frame + own.format(number) for number in range(5000)]
    start = time.thread_time()
    find_clusters(texts)
    # Half a second; comparing all pairs took 11 and 18.
    assert time.thread_time() - start < 5
