import pytest

from smm4h_core.drugs.inflect import bend_by_ending, inflect_name, is_form_of_another_word


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("паксил", "паксила паксилу паксилом паксиле паксилы"),
        ("глюкофаж", "глюкофажа глюкофажу глюкофажем глюкофаже глюкофажи глюкофажей"),
        ("сиофок", "сиофока сиофоки сиофоков"),
        ("мирапекц", "мирапекцем мирапекцы мирапекцев"),
        ("сероквель", "сероквеля сероквелю сероквелем сероквеле сероквели сероквелей"),
        ("полиоксидоний", "полиоксидония полиоксидонию полиоксидонием полиоксидонии"),
        ("симбалта", "симбалты симбалте симбалту симбалтой симбалтою"),
        ("смекта", "смекты смекту"),
        ("ринза", "ринзы ринзу ринзой"),
        ("омнитка", "омнитки омнитку омниткой"),
    ],
)
def test_bend_by_ending_spells_as_russian_does(word: str, forms: str) -> None:
    assert set(forms.split()) <= set(bend_by_ending(word))


@pytest.mark.parametrize(
    "word", ["эссенциале", "но", "юперио", "фервекси", "эспумизану", "ацц", "бцж"]
)
def test_bend_by_ending_leaves_what_does_not_bend(word: str) -> None:
    assert bend_by_ending(word) == ()


@pytest.mark.parametrize(
    ("name", "among", "not_among"),
    [
        ("анальгин", {"анальгина", "анальгину"}, {"анальгин"}),
        ("аскорбинка", {"аскорбинки", "аскорбинку"}, set()),
        ("но-шпа", {"но-шпу", "но-шпы", "но-шпой"}, set()),
        ("глюкофаж лонг", {"глюкофажа лонг"}, {"глюкофаж лонга"}),
        ("липоевая кислота", {"липоевой кислоты", "липоевую кислоту"}, {"липоевая кислоту"}),
        ("активированный уголь", {"активированного угля", "активированным углем"}, set()),
        ("вакцина от гриппа", {"вакцину от гриппа"}, set()),
    ],
)
def test_inflect_name_bends_the_head(name: str, among: set[str], not_among: set[str]) -> None:
    forms = set(inflect_name(name))
    assert among <= forms
    assert not forms & not_among


@pytest.mark.parametrize("name", ["тромбо асс", "zoloft", "омега-3", "эссенциале форте н"])
def test_inflect_name_leaves_what_does_not_bend(name: str) -> None:
    assert inflect_name(name) == ()


def test_is_form_of_another_word_knows_the_dictionary() -> None:
    assert is_form_of_another_word("дону", "дона")
    assert not is_form_of_another_word("аскорбинки", "аскорбинка")
    assert not is_form_of_another_word("золофта", "золофт")
