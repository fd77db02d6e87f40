"""A member's posts: read, normalised, tokenised, and cut into what it trains and answers on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smm4h_core.config import CorpusRef, RunConfig
from smm4h_core.corpora.source import read_source
from smm4h_core.corpora.splits import folds
from smm4h_core.encoders.base import Encoding, Tokeniser
from smm4h_core.errors import DataError
from smm4h_core.text.emoji_words import EmojiMode
from smm4h_core.text.normalise import normalise
from smm4h_core.types import AnnotatedPost, Lang, Post

TOKENISED_AT_ONCE = 1024
"""Posts handed to the tokeniser together."""


@dataclass(frozen=True, slots=True)
class RunPosts:
    """Every annotated post of a run, by use."""

    pool: tuple[AnnotatedPost, ...]
    """Train posts; with folds, train and dev posts."""
    fold_of: NDArray[np.int64] | None
    """``(len(pool),)`` the fold that holds each post out; None without folds."""
    dev: tuple[AnnotatedPost, ...]
    """Posts to choose on; empty with folds, where the held-out fold serves."""
    test: tuple[AnnotatedPost, ...]
    """Posts to report on."""


def read_run_posts(config: RunConfig) -> RunPosts:
    """Read all splits that a run names and cut its folds.

    Raises:
        DataError: for a file that does not fit, an id that stands twice, a post without a label.
    """
    data = config.data

    def read(refs: Sequence[CorpusRef]) -> tuple[AnnotatedPost, ...]:
        root = Path(data.root)
        return tuple(
            post for ref in refs for post in read_source(ref.path, config.task, ref.lang, root)
        )

    train, dev, test = read(data.train), read(data.dev), read(data.test)
    for posts in (train + dev, test):
        _refuse_doubled_ids(posts)
    if data.folds == 1:
        return RunPosts(train, None, dev, test)
    pool = train + dev
    cut = folds(pool, data.folds, data.fold_seed)
    return RunPosts(pool, np.array(cut.part_of), (), test)


def tokenise(
    posts: Sequence[Post],
    tokeniser: Tokeniser,
    *,
    max_length: int,
    emoji: EmojiMode,
    default_lang: Lang = "en",
) -> list[Encoding]:
    """Normalise and tokenise posts, in order; a post without a language takes the default."""
    encodings: list[Encoding] = []
    for start in range(0, len(posts), TOKENISED_AT_ONCE):
        texts = [
            normalise(post.text, lang=post.lang or default_lang, emoji=emoji).text
            for post in posts[start : start + TOKENISED_AT_ONCE]
        ]
        encodings += tokeniser.encode(texts, max_length=max_length)
    return encodings


def labels_of(posts: Sequence[AnnotatedPost]) -> list[bool]:
    """The posts' labels.

    Raises:
        DataError: naming a post that has none.
    """
    labels = []
    for annotated in posts:
        if annotated.label is None:
            raise DataError(f"post {annotated.post.post_id!r}: expected a label, got none")
        labels.append(annotated.label)
    return labels


def _refuse_doubled_ids(posts: Sequence[AnnotatedPost]) -> None:
    counts = Counter(annotated.post.post_id for annotated in posts)
    doubled = sorted(post_id for post_id, count in counts.items() if count > 1)
    if doubled:
        raise DataError(
            f"{len(doubled)} post id(s) stand more than once in the run's splits, "
            f"first {doubled[0]!r}; ids must differ across the corpora of a run"
        )
