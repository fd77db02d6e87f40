import numpy as np
import pytest

from smm4h_core.errors import ConfigError, DataError
from smm4h_core.extract.encode import encode_words
from smm4h_core.extract.tags import raw_span, read_tags, tag_mentions
from smm4h_core.types import Mention, Post


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


HOSTILE = {
    "emoji alone": "😩🙂👨‍👩‍👧 🇷🇺 1️⃣",
    "a word without end": "pain " + "x" * 10_000 + " rash",
    "no word": "..." * 400,
    "at the very end": "it gave me a rash",
    "right to left": "صداع شديد \u202eabc\u202c rash",
    "marks": "cafe\u0301 p" + "\u0300" * 50 + "ain и\u0306 rash",
    "line ends": "bad\r\nheadache\r\n\r\nand rash\r\n",
    "markup": "<script>alert('rash')</script> &amp;amp; pain",
    "controls": "a\x00b \ufeffpain\u200b \ud83d rash",
}


@pytest.mark.parametrize("max_length", [64, 16, 4])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_encode_words_stands_hostile_posts(encode, text: str, max_length: int) -> None:
    (post,) = encode([text], max_length=max_length, stride=0)
    places = post.places()
    assert len(places) == len(post.pieced) == len(np.unique(post.pieced))
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert (places[1:, 0] >= places[:-1, 1]).all()  # in order, none in another
    assert all(len(window.encoding.input_ids) <= max_length for window in post.windows)
    if text.endswith("rash"):
        assert text[slice(*places[-1])] == "rash"
    for first in range(len(post.words)):
        span = raw_span(post.normalised, post.words, first, first + 1)
        gold = tag_mentions([Mention(span, "")], post.normalised, post.words)
        assert [
            raw_span(post.normalised, post.words, *found) for found in read_tags(gold.tags)
        ] == [span]


@pytest.mark.parametrize("num_words", [*range(6, 9), *range(13, 16), *range(20, 23)])
def test_encode_words_at_exact_multiples_of_a_window(encode, num_words: int) -> None:
    """A window of 16 has room for seven words of two pieces beside its special tokens."""
    (post,) = encode([" ".join(["no"] * num_words)], max_length=16, stride=0)
    assert [len(window.words) for window in post.windows] == [
        min(7, num_words - start) for start in range(0, num_words, 7)
    ]
    assert {len(window.encoding.input_ids) for window in post.windows[:-1]} <= {16}


def test_places_are_the_same_whether_anything_was_replaced(encode) -> None:
    text = "no sleep, dry mouth 123 боли́т"
    plain, replaced = encode([text, text + " &amp;"])
    assert plain.normalised.replaced == ()
    assert replaced.normalised.replaced
    assert plain.places().tolist() == replaced.places().tolist()
