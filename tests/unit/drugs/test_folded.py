import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.drugs.folded import fold_text
from smm4h_core.drugs.names import normalise_name


@pytest.mark.parametrize(
    ("raw", "folded"),
    [
        ("Prozac, Прозак — ёж “x”", None),
        ("Pro®zac™", "Prozac"),
        ("a\u200db\u00adc", "abc"),
        ("ﬂuoxetine ＸＲ", "fluoxetine XR"),
        ("и\u0306од Е\u0308", "йод Ё"),
        ("и\u200b\u0306", "й"),
        ("\u0301a", None),
        ("Prozac…", "Prozac..."),
        ("\ud800\u00a0", "\ud800 "),
    ],
)
def test_fold_text_makes_letters_plain_and_keeps_case(raw: str, folded: str | None) -> None:
    assert fold_text(raw).text == (raw if folded is None else folded)


def test_fold_text_leaves_plain_text_the_very_same() -> None:
    for text in ("Seroquel", "Сероквель — “ёж”"):
        assert fold_text(text).text is text


def test_fold_text_knows_the_way_back() -> None:
    folded = fold_text("on Se\u200broquel® ﬂuoxetine")
    assert folded.text == "on Seroquel fluoxetine"
    assert folded.to_raw(3, 11) == (3, 12)
    assert folded.to_raw(12, 22) == (14, 23)


@given(st.text(st.sampled_from("aБйи \u0301\u0306\u0308\u200b®ﬁё½é-’\ud800😀"), max_size=8))
def test_fold_text_agrees_with_the_names_form(raw: str) -> None:
    assert normalise_name(fold_text(raw).text) == normalise_name(raw)
