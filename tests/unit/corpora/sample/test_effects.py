from __future__ import annotations

import pytest

from smm4h_core.corpora.sample import sample_split
from smm4h_core.corpora.sample.effects import NUM_POSTS, effect_posts
from smm4h_core.corpora.source import read_source
from smm4h_core.errors import DataError


def test_effect_posts_are_distinct_and_quote_what_they_mark() -> None:
    posts = effect_posts()
    assert len(posts) == NUM_POSTS
    assert len({each.post.text for each in posts}) == NUM_POSTS
    assert len({each.post.post_id for each in posts}) == NUM_POSTS
    for each in posts:
        assert not set("{}[]|") & set(each.post.text)
        ades = [mention for mention in each.mentions if mention.type == "ADE"]
        assert bool(ades) == each.label
        for mention in each.mentions:
            assert each.post.text[mention.span.start : mention.span.end] == mention.text


def test_effect_posts_stand_in_no_split_and_repeat_exactly() -> None:
    texts = {each.post.text for each in effect_posts()}
    for split in ("train", "dev", "test"):
        assert not texts & {each.post.text for each in sample_split("ru", split)}
    effect_posts.cache_clear()
    assert {each.post.text for each in effect_posts()} == texts


def test_effects_are_read_by_their_name(tmp_path) -> None:
    assert len(read_source("sample:ru/effects", "1b", "ru", tmp_path)) == NUM_POSTS
    with pytest.raises(DataError, match="or sample:ru/effects"):
        read_source("sample:en/effects", "1b", "en", tmp_path)
