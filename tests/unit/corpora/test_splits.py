"""No group and no near-duplicate is ever parted, and every part looks like the whole."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.corpora.duplicates import find_clusters
from smm4h_core.corpora.splits import folds, split
from smm4h_core.errors import ConfigError, DataError
from smm4h_core.types import AnnotatedPost, Mention, Post, Span


def _corpus(num_posts: int, positive_every: int = 10) -> list[AnnotatedPost]:
    return [
        AnnotatedPost(Post(str(number), f"word{number}", "en"), number % positive_every == 0)
        for number in range(num_posts)
    ]


@given(
    kinds=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20), st.booleans()), min_size=8),
    seed=st.integers(0, 3),
)
def test_folds_never_part_a_group_or_a_near_duplicate(
    kinds: list[tuple[int, int, bool]], seed: int
) -> None:
    anchors = [AnnotatedPost(Post(f"a{n}", f"anchor{n}"), False) for n in range(3)]
    posts = anchors + [
        AnnotatedPost(Post(str(number), f"text{text}"), label, group=f"g{group}")
        for number, (group, text, label) in enumerate(kinds)
    ]
    partition = folds(posts, 3, seed)
    texts = [post.post.text for post in posts]
    keys = [[post.group or post.post.post_id for post in posts], find_clusters(texts)]
    for key in keys:
        parts = defaultdict(set)
        for name, part in zip(key, partition.part_of, strict=True):
            parts[name].add(part)
        assert all(len(found) == 1 for found in parts.values())
    assert set(partition.part_of) == {0, 1, 2}
    counts = Counter(texts)
    assert partition.num_near_duplicates == sum(n for n in counts.values() if n > 1)


def test_folds_join_groups_that_a_near_duplicate_bridges() -> None:
    bridged = [("1", "p", "left"), ("2", "p", "same"), ("3", "q", "same"), ("4", "q", "right")]
    posts = [AnnotatedPost(Post(i, text), False, group=group) for i, group, text in bridged]
    partition = folds(posts + _corpus(3), 4, 0)
    assert len(set(partition.part_of[:4])) == 1
    assert (partition.num_units, partition.num_near_duplicates) == (4, 2)


def test_folds_read_the_group_from_the_id_where_none_is_given() -> None:
    posts = [AnnotatedPost(Post(f"c-d{n % 4}-{n}", f"word{n}"), False) for n in range(12)]
    partition = folds(posts, 4, 0)
    assert [partition.part_of[n] for n in range(4)] * 3 == list(partition.part_of)


def test_folds_hold_equal_shares_of_every_label_and_language() -> None:
    russian = [
        AnnotatedPost(Post(f"r{n}", f"слово{n}", "ru"), n % 4 == 0, group=f"u{n // 3}")
        for n in range(120)
    ]
    posts = _corpus(200) + russian
    counts = Counter(
        (part, post.post.lang, post.label)
        for part, post in zip(folds(posts, 5, 0).part_of, posts, strict=True)
    )
    expected = {("en", True): 4, ("en", False): 36, ("ru", True): 6, ("ru", False): 18}
    for part, (key, count) in itertools.product(range(5), expected.items()):
        assert abs(counts[part, *key] - count) <= 1


def test_split_follows_the_fractions_and_selects_in_order() -> None:
    posts = _corpus(100)
    partition = split(posts, (0.8, 0.1, 0.1), 7)
    parts = [partition.select(posts, part) for part in range(3)]
    assert [len(part) for part in parts] == [80, 10, 10]
    assert [sum(bool(post.label) for post in part) for part in parts] == [8, 1, 1]
    assert all(part == sorted(part, key=lambda post: int(post.post.post_id)) for part in parts)


def test_split_counts_an_unlabelled_post_by_its_mentions() -> None:
    mention = (Mention(Span(0, 1), "w"),)
    posts = [AnnotatedPost(Post(str(n), f"w{n}"), None, mention * (n < 4)) for n in range(40)]
    partition = split(posts, (0.5, 0.5), 0)
    assert sum(bool(post.mentions) for post in partition.select(posts, 0)) == 2


def test_split_depends_on_the_seed_alone() -> None:
    posts = _corpus(60)
    assert split(posts, (0.5, 0.5), 3) == split(posts, (0.5, 0.5), 3)
    assert split(posts, (0.5, 0.5), 3) != split(posts, (0.5, 0.5), 4)


@pytest.mark.parametrize("fractions", [(), (0.5, 0.4), (1.2, -0.2), (1.0, 0.0)])
def test_split_refuses_fractions_that_are_no_shares(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="expected positive fractions that sum to 1"):
        split(_corpus(10), fractions, 0)


def test_folds_refuse_fewer_groups_than_folds_and_fewer_folds_than_two() -> None:
    with pytest.raises(DataError, match="for 5 parts, got 3 that leave 2 empty"):
        folds(_corpus(3), 5, 0)
    with pytest.raises(ValueError, match="at least 2 folds, got 1"):
        folds(_corpus(3), 1, 0)


def test_split_refuses_a_negative_seed() -> None:
    with pytest.raises(ConfigError, match="seed: expected 0 or more, got -1"):
        folds(_corpus(20), 2, seed=-1)
