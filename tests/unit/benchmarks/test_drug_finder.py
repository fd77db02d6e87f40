import pytest

from benchmarks import drug_finder
from benchmarks.drug_finder import measure
from benchmarks.section import BenchmarkError
from smm4h_core.errors import DataError
from smm4h_core.types import Post

POSTS = [Post(str(n), text, "en") for n, text in enumerate(["on prozac", "nothing", "zolofft"])]


def test_measure_judges_three_targets_and_names_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read_posts(name: str) -> list[Post]:
        if name != "psytar_text":
            raise DataError(f"{name}: not there")
        return POSTS

    monkeypatch.setattr(drug_finder, "read_posts", read_posts)
    section = measure(1)
    assert [each.name for each in section.verdicts] == [
        "drugs.speed",
        "drugs.load",
        "drugs.memory",
    ]
    assert [row[0] for row in section.rows] == ["PsyTAR"]
    assert section.missing == ("ade2_text: not there", "rudrec_text: not there")
    speed = section.data["speeds"]["psytar_text"]
    assert (speed["num_posts"], speed["num_mentions"]) == (3, 2)
    assert speed["share"] == pytest.approx(2 / 3)
    assert min(speed[part]["low"] for part in ("first", "new", "same")) > 0
    (load,) = section.data["loads"]
    assert load["found"] == ["quetiapine", "duloxetine", "bromdihydrochlorphenylbenzodiazepine"]
    assert 0 < load["finder_mib"] <= load["peak_mib"]


def test_measure_without_a_corpus_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_posts(name: str) -> list[Post]:
        raise DataError(f"{name}: not there")

    monkeypatch.setattr(drug_finder, "read_posts", read_posts)
    with pytest.raises(BenchmarkError, match="psytar_text: not there"):
        measure(1)
