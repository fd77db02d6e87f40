from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from smm4h_core.encoders.base import LoadedEncoder, Tokeniser
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.extract.dictionary import TermMatcher, build_term_matcher
from smm4h_core.extract.encode import WordedPost, encode_words
from smm4h_core.extract.network import Head, Tagger
from smm4h_core.types import Post

POSTS = [
    "seroquel gave me dry mouth and bad headaches",
    "no",
    "",
    "took my meds, fine 🙂 thanks; weight gain is what i fear",
    "сильная тошнота, рвота!",
    "... !!",
]


@pytest.fixture(scope="session")
def terms() -> TermMatcher:
    return build_term_matcher(["dry mouth", "headache", "weight gain", "тошнота", "рвота"])


@pytest.fixture(scope="session")
def encode(tiny_bert: Path, terms: TermMatcher) -> Callable[..., list[WordedPost]]:
    """Words texts for the tiny BERT, as posts numbered from 0."""
    tokeniser = load_text_encoder(str(tiny_bert)).tokeniser

    def encode(
        texts: list[str],
        *,
        max_length: int = 64,
        stride: int = 8,
        with_terms: bool = True,
        word_features: bool = False,
        tokeniser: Tokeniser = tokeniser,
    ) -> list[WordedPost]:
        posts = [Post(str(n), text, "en") for n, text in enumerate(texts)]
        return encode_words(
            posts,
            tokeniser,
            max_length=max_length,
            stride=stride,
            emoji="map",
            terms=terms if with_terms else None,
            word_features=word_features,
        )

    return encode


@pytest.fixture(params=["linear", "crf"])
def head(request: pytest.FixtureRequest) -> Head:
    return request.param


@pytest.fixture
def tagger(tiny_bert: Path, head: Head) -> Tagger:
    torch.manual_seed(0)
    loaded: LoadedEncoder = load_text_encoder(str(tiny_bert))
    return Tagger(loaded.encoder, dropout=0.1, head=head, reads_terms=True)
