from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smm4h_core.drugs.lexicon import Drug, DrugName, Lexicon, build_lexicon, load_lexicon
from smm4h_core.drugs.user_table import read_user_tables
from smm4h_core.errors import DataError

KNOWN = build_lexicon(
    (Drug("quetiapine", "CCO", "curated"), Drug("kagocel", None, "")),
    (
        DrugName("quetiapine", "quetiapine", "en", "ingredient", "curated"),
        DrugName("seroquel", "quetiapine", "en", "brand", "curated"),
        DrugName("kagocel", "kagocel", "en", "ingredient", "curated"),
    ),
)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_read_user_tables_takes_any_known_name_for_a_drug(tmp_path: Path) -> None:
    table = write(tmp_path / "a.tsv", "name\tdrug\tsmiles\nThe Q\tSeroquel\t\n")
    drugs, names = read_user_tables((table,), KNOWN)
    assert drugs == (KNOWN.drugs["quetiapine"],)
    assert names == (DrugName("the q", "quetiapine", "en", "synonym", "user"),)


def test_read_user_tables_makes_a_drug_that_nobody_knew(tmp_path: Path) -> None:
    table = write(tmp_path / "a.tsv", "name\tdrug\tsmiles\nBrandix\tNew One\tNCCC.Cl\n")
    drugs, names = read_user_tables((table,), KNOWN)
    assert drugs == (Drug("new one", "CCCN", "user"),)
    assert {each.name: (each.drug, each.kind) for each in names} == {
        "brandix": ("new one", "synonym"),
        "new one": ("new one", "ingredient"),
    }


def test_read_user_tables_replaces_a_molecule_where_it_gives_one(tmp_path: Path) -> None:
    table = write(tmp_path / "a.tsv", "name\tdrug\tsmiles\nx\tkagocel\tOCC\ny\tquetiapine\t\n")
    drugs, _ = read_user_tables((table,), KNOWN)
    assert set(drugs) == {Drug("kagocel", "CCO", "user"), Drug("quetiapine", "CCO", "curated")}


def test_read_user_tables_brings_cases_of_russian_names(tmp_path: Path) -> None:
    table = write(
        tmp_path / "a.tsv",
        "name\tdrug\tsmiles\tlang\nКвелекс\tquetiapine\t\tru\nQ\tkagocel\t\ten\n",
    )
    _, names = read_user_tables((table,), KNOWN)
    kinds = {each.name: each.kind for each in names}
    assert kinds["квелексом"] == "inflected"
    assert (kinds["квелекс"], kinds["q"]) == ("synonym", "synonym")


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".parquet"])
def test_load_lexicon_reads_each_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    rows = {"Name": ["Квелекс", "brandix, new"], "drug": ["seroquel", "brandixine"]}
    rows |= {"smiles": ["", "CC(O)C"], "lang": ["ru", "en"]}
    if suffix == ".parquet":
        pq.write_table(pa.table({**rows, "smiles": [None, "CC(O)C"]}), path)
    elif suffix == ".csv":
        text = 'Name,drug,smiles,lang\nКвелекс,seroquel,,ru\n"brandix, new",brandixine,CC(O)C,en\n'
        write(path, text)
    else:
        lines = ["\t".join(rows), *("\t".join(cells) for cells in zip(*rows.values(), strict=True))]
        write(path, "\n".join(lines) + "\n")

    lexicon = load_lexicon([path])

    assert lexicon.lookup("квелексу") == lexicon.drugs["quetiapine"]
    assert lexicon.lookup("brandix, new") == Drug("brandixine", "CC(C)O", "user")
    assert lexicon.lookup("zoloft") == lexicon.drugs["sertraline"]
    assert lexicon.drugs["quetiapine"].smiles_source == "curated"
    assert len(lexicon.details) == len(lexicon.names)


def test_load_lexicon_never_takes_a_name_away_for_a_guessed_case(tmp_path: Path) -> None:
    table = write(tmp_path / "a.tsv", "name\tdrug\nсимбалт\tquetiapine\n")
    lexicon = load_lexicon([table])
    assert lexicon.names["симбалта"] == "duloxetine"
    assert lexicon.names["симбалтом"] == "quetiapine"


def test_load_lexicon_puts_the_last_table_first(tmp_path: Path) -> None:
    first = write(
        tmp_path / "a.tsv", "name\tdrug\tsmiles\nzoloft\tquetiapine\t\nqq\tquetiapine\t\n"
    )
    last = write(tmp_path / "b.tsv", "name\tdrug\nqq\tsertraline\n")
    lexicon = load_lexicon([first, last])
    assert lexicon.names["zoloft"] == "quetiapine"
    assert lexicon.names["qq"] == "sertraline"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.tsv", "name\tsmiles\nx\tCCO\n", ":1: expected the columns name, drug"),
        ("a.tsv", "name\tdrug\tdose\nx\ty\tz\n", ":1: expected the columns name, drug"),
        ("a.csv", "name,smiles\nx,CCO\n", ":1: expected the columns name, drug"),
        ("a.csv", "name,drug\nx\n", ":2: expected 2 cells, got 1"),
        ("a.csv", 'name,drug\n"x,y\n', ": expected CSV in UTF-8"),
        ("a.tsv", "name\tdrug\n \tx\n", ":2: expected a name and a drug"),
        (
            "a.tsv",
            "name\tdrug\tlang\nx\ty\tde\n",
            ":2: expected lang to be en, ru or empty, got 'de'",
        ),
        (
            "a.tsv",
            "name\tdrug\tsmiles\nx\ty\tCC(\n",
            ":2: expected SMILES of one molecule, got 'CC('",
        ),
        ("a.tsv", "name\tdrug\tsmiles\nx\ty\tCCCN.CCCS\n", "(mixture)"),
        ("a.tsv", "name\tdrug\tsmiles\nx\ty\tCCO\nz\ty\tCCN\n", ":3: expected CCO for y, as above"),
        ("a.parquet", "not parquet", ": expected a Parquet file"),
        ("a.xlsx", "", ": expected a name ending in .tsv, .csv or .parquet"),
    ],
)
def test_read_user_tables_refuses_what_does_not_fit(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(DataError) as refusal:
        read_user_tables((write(tmp_path / name, text),), KNOWN)
    assert str(refusal.value).startswith(str(tmp_path / name))
    assert message in str(refusal.value)


def test_read_user_tables_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    for name in ("a.tsv", "a.csv", "a.parquet"):
        with pytest.raises(DataError, match=name):
            read_user_tables((tmp_path / name,), KNOWN)


def test_an_empty_lexicon_is_one_too() -> None:
    assert Lexicon({}, {}).lookup("x") is None
    assert read_user_tables((), Lexicon({}, {})) == ((), ())
