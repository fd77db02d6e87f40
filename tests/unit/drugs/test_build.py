from pathlib import Path

import pyarrow.parquet as pq
import pytest

from smm4h_core.drugs.build import build_tables, main
from smm4h_core.drugs.curation import COLUMNS
from smm4h_core.drugs.lexicon import read_lexicon

MEDICINE = {"drugbank_id": "DB1"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "curated").mkdir(parents=True)
    rows = [
        ("quetiapine", "C2H6O", "OCC", "кветиапин", "Seroquel; сероквель; соната", "seroq"),
        ("aripiprazole", "", "", "", "абилифай; концерт", ""),
    ]
    lines = ["\t".join(COLUMNS), *("\t".join(row) for row in rows)]
    (folder / "curated" / "a.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "refused.tsv").write_text("drug\treason\nbadly\tno\n", encoding="utf-8")
    (folder / "common_words.txt").write_text("yes\nсероквели\n", encoding="utf-8")
    return folder


@pytest.fixture
def wheel(wheel_file) -> Path:
    return wheel_file(
        {
            "yes": "quetiapine",
            "ketipinor": "quetiapine",
            "badly": "badly",
            "unnamed, drug": "unnamed",
        },
        {
            "quetiapine": MEDICINE,
            "badly": {**MEDICINE, "smiles": "CCO"},
            "unnamed": MEDICINE,
        },
        {"ketipinor": {"is_brand": True}},
    )


def test_build_tables_writes_what_the_lexicon_reads(wheel: Path, data: Path) -> None:
    counts = build_tables(wheel, data, data)

    lexicon = read_lexicon(data)
    assert counts["drugs"] == len(lexicon.drugs) == 3  # nobody can write the name of the fourth
    assert counts["drugs with a molecule"] == 1
    assert counts["names"] == len(lexicon.names) == len(lexicon.details)
    seroquel = lexicon.lookup("SEROQUEL")
    assert seroquel is not None
    assert (seroquel.name, seroquel.smiles, seroquel.smiles_source) == (
        "quetiapine",
        "CCO",
        "curated",
    )
    assert lexicon.lookup("badly") == lexicon.drugs["badly"]
    assert lexicon.drugs["badly"].smiles is None
    assert lexicon.lookup("yes") is None
    assert lexicon.names["ketipinor"] == "quetiapine"


def test_build_tables_adds_russian_cases_but_no_other_word(wheel: Path, data: Path) -> None:
    build_tables(wheel, data, data)

    names = {each.name: each for each in read_lexicon(data).details}
    assert names["сероквелем"].kind == "inflected"
    assert names["сероквелем"].drug == "quetiapine"
    assert names["абилифаю"].drug == "aripiprazole"
    assert "сероквели" not in names  # a common word, as the list above has it
    assert names["концерт"].kind == "brand"
    assert "концерты" in names
    assert "сонату" in names
    assert "концерта" in names


def test_build_tables_records_source_and_check_of_each_molecule(wheel: Path, data: Path) -> None:
    build_tables(wheel, data, data)

    with pq.ParquetFile(data / "drugs.parquet") as file:
        rows = {row["name"]: row for row in file.read().to_pylist()}
    assert rows["quetiapine"] == {
        "name": "quetiapine",
        "smiles": "CCO",
        "source": "curated",
        "formula": "C2H6O",
        "check": "formula",
    }
    assert rows["badly"]["check"] == "refused: no"
    assert rows["aripiprazole"]["check"] == "no one molecule"


def test_build_tables_gives_the_same_bytes_again(wheel: Path, data: Path, tmp_path: Path) -> None:
    build_tables(wheel, data, tmp_path / "a")
    build_tables(wheel, data, tmp_path / "b")
    for name in ("drugs.parquet", "names.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_main_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage:" in capsys.readouterr().err
    assert main([str(tmp_path / "no.whl"), str(tmp_path)]) == 1
    assert "error: " in capsys.readouterr().err


def test_main_builds_from_the_package_s_own_curation(
    wheel_file, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = wheel_file({}, {})
    assert main([str(empty), str(tmp_path)]) == 1
    assert "expected a molecule of" in capsys.readouterr().err
