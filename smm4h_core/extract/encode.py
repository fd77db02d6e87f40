"""Posts as words, word-pieces and dictionary tags: all that a tagger reads of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smm4h_core.encoders.base import Tokeniser
from smm4h_core.encoders.tokenise import TOKENISED_AT_ONCE
from smm4h_core.errors import DataError
from smm4h_core.extract.dictionary import TermMatcher
from smm4h_core.extract.tags import Tags, raw_span
from smm4h_core.extract.windows import UNLIMITED, Window, check_stride, cut_windows
from smm4h_core.extract.word_features import hash_words
from smm4h_core.extract.words import Stretch, find_words
from smm4h_core.text.emoji_words import EmojiMode
from smm4h_core.text.normalise import Normalised, normalise
from smm4h_core.types import Post

WordPlaces = NDArray[np.int64]
"""``(P, 2)`` starts and ends of words in the post as received."""


@dataclass(frozen=True, slots=True, eq=False)
class WordedPost:
    """A post that a tagger can read."""

    post_id: str
    """Which post."""
    normalised: Normalised
    """Its text, with the way back."""
    words: tuple[Stretch, ...]
    """``(W,)`` where its words stand in the normalised text."""
    windows: tuple[Window, ...]
    """At least one; one alone where the post fits the encoder."""
    pieced: NDArray[np.int64]
    """``(P,)`` the words that have a word-piece of their own in some window, in order."""
    term_tags: Tags | None
    """``(W,)`` the dictionary's; None without one."""
    features: NDArray[np.int32] | None = None
    """``(W, F)`` hashed features of the words; None where the network reads none."""

    def places(self) -> WordPlaces:
        """Where the words of `pieced` stand in the post as received.

        A word without a word-piece of its own goes on as the word before it.
        """
        lasts = np.append(self.pieced[1:] - 1, len(self.words) - 1)[: len(self.pieced)]
        if not self.normalised.replaced:  # as in most posts
            bounds = np.array(self.words, np.int64).reshape(-1, 2)
            return np.stack([bounds[self.pieced, 0], bounds[lasts, 1]], axis=1)
        spans = [
            raw_span(self.normalised, self.words, first, last + 1)
            for first, last in zip(self.pieced.tolist(), lasts.tolist(), strict=True)
        ]
        return np.array([(each.start, each.end) for each in spans], np.int64).reshape(-1, 2)


def encode_words(
    posts: Sequence[Post],
    tokeniser: Tokeniser,
    *,
    max_length: int,
    stride: int,
    emoji: EmojiMode,
    terms: TermMatcher | None = None,
    word_features: bool = False,
) -> list[WordedPost]:
    """Normalise posts, find their words, tokenise, cut windows and match terms, in order.

    Args:
        posts: With their languages.
        tokeniser: The encoder's.
        max_length: Most word-pieces of a window, special tokens included.
        stride: Word-pieces that windows of a long post share.
        emoji: What becomes of emoji.
        terms: The dictionary; None for none.
        word_features: Whether words' own features are to be read, too.

    Raises:
        DataError: a post that does not state its language, which emoji words depend on.
        ConfigError: a stride that leaves no room.
    """
    check_stride(stride, max_length=max_length, tokeniser=tokeniser)
    worded: list[WordedPost] = []
    for start in range(0, len(posts), TOKENISED_AT_ONCE):
        some = posts[start : start + TOKENISED_AT_ONCE]
        texts = [_normalised(post, emoji) for post in some]
        wholes = tokeniser.encode([each.text for each in texts], max_length=UNLIMITED)
        for post, normalised, whole in zip(some, texts, wholes, strict=True):
            text = normalised.text
            words = find_words(text)
            windows = cut_windows(
                text, words, whole, tokeniser, max_length=max_length, stride=stride
            )
            worded.append(
                WordedPost(
                    post_id=post.post_id,
                    normalised=normalised,
                    words=words,
                    windows=windows,
                    pieced=np.unique(np.concatenate([window.words for window in windows])),
                    term_tags=terms.match(text, words) if terms else None,
                    features=hash_words(text, words) if word_features else None,
                )
            )
    return worded


def _normalised(post: Post, emoji: EmojiMode) -> Normalised:
    if post.lang is None:
        raise DataError(f"post {post.post_id!r}: expected its language, got none")
    return normalise(post.text, lang=post.lang, emoji=emoji)
