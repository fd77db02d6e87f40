import json
from pathlib import Path


def test_drugs_lookup_prints_ingredient_molecule_and_names(smm4h) -> None:
    ended = smm4h("drugs", "lookup", "Seroquel")

    assert ended.code == 0
    lines = dict(line.split(maxsplit=1) for line in ended.out.splitlines()[:2])
    assert lines == {
        "ingredient": "quetiapine",
        "SMILES": "OCCOCCN1CCN(C2=Nc3ccccc3Sc3ccccc32)CC1",
    }
    assert "сероквель" in ended.out
    assert "ru inflected" in ended.out


def test_drugs_lookup_speaks_json(smm4h) -> None:
    ended = smm4h("drugs", "lookup", "арбидолом", "--json")

    answered = json.loads(ended.out)
    assert answered["name"] == "umifenovir"
    assert answered["smiles_source"] == "curated"
    assert {"name": "арбидол", "lang": "ru", "kind": "brand", "source": "curated"} in answered[
        "names"
    ]


def test_drugs_lookup_says_where_there_is_no_molecule(smm4h) -> None:
    ended = smm4h("drugs", "lookup", "хумира")
    assert ended.code == 0
    assert "none known" in ended.out


def test_drugs_lookup_suggests_a_near_name_and_exits_1(smm4h) -> None:
    ended = smm4h("drugs", "lookup", "zolfot")

    assert (ended.code, ended.out) == (1, "")
    assert "no drug is known as 'zolfot'; did you mean zoloft (sertraline)" in ended.err


def test_drugs_lookup_suggests_nothing_where_nothing_is_near(smm4h) -> None:
    ended = smm4h("drugs", "lookup", "qqqqqq")

    assert ended.code == 1
    assert "did you mean" not in ended.err


def test_drugs_lookup_reads_tables_of_one_s_own(smm4h, tmp_path: Path) -> None:
    for name in ("a", "b"):
        text = f"name\tdrug\tsmiles\n{name}brand\t{name}drug\tCCO\n"
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    tables = ["--table", tmp_path / "a.tsv", "--table", tmp_path / "b.tsv"]

    answered = json.loads(smm4h("drugs", "lookup", "Bbrand", *tables, "--json").out)

    assert (answered["name"], answered["smiles"]) == ("bdrug", "CCO")
    assert answered["smiles_source"] == "user"


def test_drugs_lookup_names_the_line_of_a_bad_table(smm4h, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("name\tdrug\tsmiles\nx\ty\tCC(\n", encoding="utf-8")

    ended = smm4h("drugs", "lookup", "x", "--table", path)

    assert ended.code == 1
    assert f"{path}:2: expected SMILES" in ended.err
