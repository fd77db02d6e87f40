import pytest

from smm4h_core.drugs.lexicon import Drug, DrugName, build_lexicon
from smm4h_core.drugs.name_index import build_name_index, gap_key, is_well_known, key_of


def index_of(*names: str, common: frozenset[str] = frozenset(), lang: str = "en"):
    details = [DrugName(name, "x", lang, "brand", "test") for name in names]  # type: ignore[arg-type]
    return build_name_index(build_lexicon([Drug("x", None, "")], details), common)


@pytest.mark.parametrize(
    ("gap", "key"),
    [
        (" ", " "),
        ("-", " "),
        (" \n ", " "),
        ("’", " "),
        (" – ", " "),
        (", ", ","),
        (". ", "."),
        ("/", "/"),
        (" + ", "+"),
    ],
)
def test_gap_key_makes_spaces_and_dashes_one(gap: str, key: str) -> None:
    assert gap_key(gap) == key


def test_key_of_folds_a_word() -> None:
    assert [key_of(word) for word in ("#Seroquel", "ЗелЁнка", "Straße")] == [
        "seroquel",
        "зеленка",
        "strasse",
    ]


def test_index_keeps_names_of_several_words_apart_and_joined() -> None:
    index = index_of("effexor xr", "st. john's wort", "co-trim/d3", "low-dose low aspirin")
    assert set(index.names) == {
        *("effexor xr", "effexorxr"),
        *("st.john s wort", "stjohnswort", "st johns wort"),
        *("co trim/d3", "cotrimd3"),
        *("low dose low aspirin", "lowdoselowaspirin"),
    }
    assert index.first_words == {"effexor", "st", "co", "low"}
    assert index.openings["low dose"] == 4
    assert index.openings["co trim"] == 3
    assert {"effexor", "trim", "aspirin"} <= index.anchors


def test_index_anchors_no_name_at_an_ordinary_word() -> None:
    common = frozenset({"the", "low", "dose"})
    assert index_of("the zoloft", common=common).anchors == {"zoloft"}
    assert index_of("low dose 1", common=common).anchors == {"dose"}  # nothing better stands there


def test_index_joins_no_name_to_an_ordinary_word() -> None:
    assert "heparin" not in index_of("he parin", common=frozenset({"heparin"})).names
    assert "planb" in index_of("plan b").names
    assert "vi d" in index_of("vi d").names
    assert "vid" not in index_of("vi d").names  # too short to tell


def test_index_leaves_out_names_that_marks_end() -> None:
    # The open dictionary holds "...''more''" and "alcohol,", which made drugs of ordinary words.
    assert index_of("...''more''", "alcohol,", "[11c]-metformin", "abigan}}").names == {}
    assert "well" not in index_of("we'll", common=frozenset({"well"})).names


def test_index_marks_ordinary_names_with_their_cases() -> None:
    index = index_of("соната", "сонату", "лирика", common=frozenset({"соната"}), lang="ru")
    assert {"соната", "сонату", "сонатой"} <= index.ordinary
    assert "лирика" not in index.ordinary
    assert index.names["лирику"].name == "лирика"  # not among the names, so another word's too
    assert "лирику" in index.ordinary
    assert set(index.spellable) == {"лирика"}


def test_open_dictionary_s_synonyms_are_not_well_known() -> None:
    source = "drug-named-entity-recognition 2.0.9"
    assert not is_well_known(DrugName("x", "x", "en", "synonym", source))
    assert is_well_known(DrugName("x", "x", "en", "ingredient", source))
    assert is_well_known(DrugName("x", "x", "en", "synonym", "user"))
