import pytest

from smm4h_core.drugs.russian_words import RussianWords, load_russian_words


@pytest.fixture(scope="module")
def words() -> RussianWords:
    return load_russian_words()


@pytest.mark.parametrize("word", ["концерты", "перенес", "елка", "помогала", "авадиями"])
def test_russian_words_hold_every_form_with_or_without_its_dots(
    words: RussianWords, word: str
) -> None:
    assert word in words


@pytest.mark.parametrize("word", ["сераквель", "концертв", "seroquel", "", "КОНЦЕРТЫ", 7])
def test_russian_words_hold_nothing_else(words: RussianWords, word: object) -> None:
    assert word not in words
