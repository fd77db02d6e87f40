import gzip
import json
import zipfile
from pathlib import Path

import pytest

from smm4h_core.drugs.build_words import ENGLISH, SPELLING, collect_words, main, write_words
from smm4h_core.drugs.lexicon import Drug, DrugName, build_lexicon
from smm4h_core.drugs.ordinary import load_ordinary_words, read_ordinary_words
from smm4h_core.errors import DataError


@pytest.fixture
def wheels(tmp_path: Path) -> tuple[Path, Path]:
    english, spelling = tmp_path / "a.whl", tmp_path / "b.whl"
    with zipfile.ZipFile(english, "w") as archive:
        archive.writestr(ENGLISH, "\ufeffthe 23\nProzac 4\nprozacs 2\nit's 1\n")
    words = {"en": {"clarity": 9, "umbrella": 9}, "ru": {"Ёлка": 51, "сероквель": 1}}
    with zipfile.ZipFile(spelling, "w") as archive:
        for lang, counts in words.items():
            archive.writestr(SPELLING.format(lang), gzip.compress(json.dumps(counts).encode()))
    return english, spelling


LEXICON = build_lexicon(
    [Drug("x", None, "")],
    [
        DrugName(name, "x", None, "brand", "test")
        for name in ("prozac", "clarityn", "сероквель", "концерта")
    ],
)


def test_collect_words_keeps_what_is_no_name(wheels: tuple[Path, Path]) -> None:
    words = collect_words(LEXICON, *wheels, ["captain"])
    # Of the second wheel's English words only those near a name.
    assert words == ["captain", "clarity", "the", "елка"]


def test_words_written_are_read_back_and_give_the_same_bytes(tmp_path: Path) -> None:
    words = ["captain", "ежик", "капитан"]
    write_words(words, tmp_path / "a.parquet")
    write_words(words, tmp_path / "b.parquet")
    assert read_ordinary_words(tmp_path / "a.parquet") == set(words)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_packaged_words_hold_the_classics() -> None:
    words = load_ordinary_words()
    assert {"starling", "starlings", "clarity", "captain", "person", "concert"} <= words
    assert "спаркса" in words
    assert words.isdisjoint({"prozac", "aspirins", "сероквель", "cymbata", "trazadone"})


def test_collect_words_says_what_a_wheel_lacks(wheels: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"b\.whl: expected a wheel that holds symspellpy"):
        collect_words(LEXICON, wheels[1], wheels[0], [])
    with pytest.raises(DataError, match=r"no\.whl: expected a wheel"):
        collect_words(LEXICON, tmp_path / "no.whl", wheels[1], [])


def test_main_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage:" in capsys.readouterr().err
    assert main([str(tmp_path / "no.whl"), str(tmp_path / "no.whl")]) == 1
    assert "error: " in capsys.readouterr().err
