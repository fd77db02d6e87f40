import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.drugs.names import normalise_name


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("  Effexor\u00a0 XR ", "effexor xr"),
        ("Zyrtec®", "zyrtec"),
        ("Advil™ PM", "advil pm"),
        ("co\u2011codamol", "co-codamol"),
        ("Но – шпа", "но-шпа"),
        ("Зелёнка", "зеленка"),
        ("St. John’s wort", "st. john's wort"),
        (unicodedata.normalize("NFD", "цетиризин йод"), "цетиризин йод"),
        ("ﬂuoxetine", "fluoxetine"),
        ("Ё\u0306", "ӗ"),
        ("a\u200db\u00adc", "abc"),
        ("\u200b", ""),
    ],
)
def test_normalise_name_makes_one_form(raw: str, kept: str) -> None:
    assert normalise_name(raw) == kept


@given(st.text())
def test_normalise_name_is_a_fixed_point(raw: str) -> None:
    once = normalise_name(raw)
    assert normalise_name(once) == once
