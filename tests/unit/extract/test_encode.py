import pytest

from smm4h_core.errors import ConfigError, DataError
from smm4h_core.extract.encode import encode_words
from smm4h_core.types import Post


def test_encode_words_reads_every_word_of_a_long_post(encode) -> None:
    (post,) = encode(["my head hurts " * 20], max_length=24)
    assert len(post.windows) > 5
    assert post.pieced.tolist() == list(range(60))
    assert len(post.words) == len(post.term_tags) == 60


def test_encode_words_tags_the_dictionarys_terms_in_the_normalised_text(encode) -> None:
    (post,) = encode(["@bob &amp; dry mouth, http://a.com/weight-gain"])
    assert post.normalised.text == "@username & dry mouth, link"
    assert post.term_tags.tolist() == [0, 1, 2, 0]


def test_encode_words_without_a_dictionary_has_no_tags(encode) -> None:
    assert encode(["dry mouth"], with_terms=False)[0].term_tags is None


def test_encode_words_refuses_a_post_without_a_language_and_an_endless_stride(encode) -> None:
    tokeniser = encode.__kwdefaults__["tokeniser"]
    options = {"max_length": 16, "emoji": "map"}
    with pytest.raises(DataError, match="post '7': expected its language"):
        encode_words([Post("7", "x")], tokeniser, stride=2, **options)
    with pytest.raises(ConfigError, match="stride"):
        encode_words([Post("7", "x", "en")], tokeniser, stride=14, **options)
