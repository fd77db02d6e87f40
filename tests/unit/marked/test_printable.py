import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.marked.printable import make_printable

ANY_TEXT = st.text(st.characters(codec=None), max_size=80)


@given(ANY_TEXT)
def test_make_printable_keeps_every_place_and_lets_no_command_through(text: str) -> None:
    shown = make_printable(text)
    assert len(shown) == len(text)
    assert shown.encode("utf-8").decode("utf-8") == shown
    acting = {char for char in shown if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")}
    assert acting <= {"\n", "\t"}
    assert not any(
        unicodedata.bidirectional(char) in ("RLO", "LRO", "RLE", "LRE") for char in shown
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x07", "␛[2J␇"),
        ("a\x9b31m", "a\ufffd31m"),
        ("a\r\nb\rc", "a \nb\nc"),
        ("x\u202ey\u2066z", "x\ufffdy\ufffdz"),
        ("half \ud83d", "half \ufffd"),
        ("\x7f\x00", "␡␀"),
        ("ёлка 👩‍⚕️ ok", "ёлка 👩‍⚕️ ok"),
    ],
)
def test_make_printable_pictures_what_acts_and_nothing_else(text: str, shown: str) -> None:
    assert make_printable(text) == shown
