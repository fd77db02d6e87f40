import json
from pathlib import Path

from smm4h_core.link.synthetic import write_synthetic_release
from smm4h_core.link.terminology import load_terminology


def test_terminology_build_writes_the_same_bytes_twice(smm4h, tmp_path: Path) -> None:
    write_synthetic_release(tmp_path / "release")
    outs = [tmp_path / "a.parquet", tmp_path / "b.parquet"]

    ended = [smm4h("terminology", "build", tmp_path / "release", out) for out in outs]

    assert [each.code for each in ended] == [0, 0]
    assert "meddra@synthetic-1" in ended[0].out
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_terminology_build_speaks_json(smm4h, tmp_path: Path) -> None:
    source, out = tmp_path / "terms.tsv", tmp_path / "terms.parquet"
    source.write_text("concept_id\tterm\nC1\tache\nC1\tpain\n", encoding="utf-8")

    ended = smm4h("terminology", "build", source, out, "--name", "x", "--version", "1", "--json")

    assert json.loads(ended.out) == {
        "name": "x",
        "version": "1",
        "concepts": 1,
        "concepts proposed": 1,
        "terms": 2,
        "terms proposed": 2,
    }
    assert load_terminology(out).label == "x@1"


def test_terminology_build_names_the_broken_line_and_writes_nothing(smm4h, tmp_path: Path) -> None:
    source, out = tmp_path / "terms.tsv", tmp_path / "terms.parquet"
    source.write_text("concept_id\tterm\nC1\t\n", encoding="utf-8")

    ended = smm4h("terminology", "build", source, out, "--name", "x", "--version", "1")

    assert ended.code == 1
    assert "terms.tsv:2: expected a term" in ended.err
    assert not out.exists()


def test_terminology_build_refuses_an_out_that_is_no_table(smm4h, tmp_path: Path) -> None:
    ended = smm4h("terminology", "build", tmp_path, tmp_path / "out")
    assert ended.code == 2
    assert "expected a name ending in .parquet" in ended.err
