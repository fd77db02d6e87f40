"""Posts into word-pieces: normalised first, many at once."""

from __future__ import annotations

from collections.abc import Sequence

from smm4h_core.encoders.base import Encoding, Tokeniser
from smm4h_core.errors import DataError
from smm4h_core.text.emoji_words import EmojiMode
from smm4h_core.text.normalise import normalise
from smm4h_core.types import Post

TOKENISED_AT_ONCE = 1024
"""Posts handed to the tokeniser together."""


def tokenise(
    posts: Sequence[Post], tokeniser: Tokeniser, *, max_length: int, emoji: EmojiMode
) -> list[Encoding]:
    """Normalise and tokenise posts, in order.

    Raises:
        DataError: a post that does not state its language, which emoji words depend on.
    """
    encodings: list[Encoding] = []
    for start in range(0, len(posts), TOKENISED_AT_ONCE):
        texts = [_normalised(post, emoji) for post in posts[start : start + TOKENISED_AT_ONCE]]
        encodings += tokeniser.encode(texts, max_length=max_length)
    return encodings


def _normalised(post: Post, emoji: EmojiMode) -> str:
    if post.lang is None:
        raise DataError(f"post {post.post_id!r}: expected its language, got none")
    return normalise(post.text, lang=post.lang, emoji=emoji).text
