import pytest

from smm4h_core.corpora.sample import sample_split
from smm4h_core.text.language import detect_language
from smm4h_core.types import Lang


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_language_of_every_sample_post_is_found(lang: Lang) -> None:
    found = {detect_language(each.post.text, ("en", "ru")) for each in sample_split(lang, "test")}
    assert found == {lang}


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("paxil не помог", "ru"),
        ("Zoloft!!! супер", "ru"),
        ("NO SLEEP ON PAXIL", "en"),
        ("сплю", "ru"),
    ],
)
def test_language_is_that_of_the_words_around_a_drug(text: str, lang: Lang) -> None:
    assert detect_language(text, ("en", "ru")) == lang


@pytest.mark.parametrize("text", ["", "🙂" * 10_000, "\ud800", "\x00", "123", "頭痛"])
def test_language_of_a_text_without_words_is_still_one_of_those_asked_for(text: str) -> None:
    assert detect_language(text, ("en", "ru")) in ("en", "ru")
    assert detect_language(text, ("ru",)) == "ru"
