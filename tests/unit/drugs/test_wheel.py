import bz2
import zipfile
from pathlib import Path

import pytest

from smm4h_core.drugs.wheel import DICTIONARY, MAX_BYTES, read_literals, read_wheel
from smm4h_core.errors import DataError


def test_read_wheel_gives_what_the_dictionary_says(wheel_file) -> None:
    path = wheel_file(
        {"zoloft": "sertraline", "лекарство": "sertraline"},
        {"sertraline": {"name": "Sertraline", "synonyms": ["x", "y"], "is_new": True}},
        {"zoloft": {"is_brand": True}},
    )

    read = read_wheel(path)

    assert read.version == "9.9"
    assert read.names == {"zoloft": ("sertraline",), "лекарство": ("sertraline",)}
    assert read.facts["sertraline"] == {
        "name": "Sertraline",
        "synonyms": ["x", "y"],
        "is_new": True,
    }
    assert read.name_facts == {"zoloft": {"is_brand": True}}


def test_read_literals_follows_the_memory_of_protocol_4() -> None:
    # ["a", "a"], the second by reference; then a float, None and an int in one dict.
    data = (
        b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01k\x94]\x94(\x8c\x01a\x94h\x03e"
        b"\x8c\x01f\x94G?\xf0\x00\x00\x00\x00\x00\x00\x8c\x01n\x94N\x8c\x01i\x94K\x07u."
    )
    assert read_literals(data, "x") == {"k": ["a", "a"], "f": 1.0, "n": None, "i": 7}


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        b"\x80\x02cbuiltins\nset\n]\x85R.",
        b"\x80\x04\x8c\x01x\x8c\x01y\x94\x81.",
        b"\x80\x02}X\x01\x00\x00\x00ab.",
    ],
)
def test_read_literals_refuses_whatever_could_make_an_object(data: bytes) -> None:
    with pytest.raises(
        DataError, match=r"^there: expected plain values, got the opcode [A-Z_]+ at"
    ):
        read_literals(data, "there")


@pytest.mark.parametrize(
    "data", [b"", b"\x80\x04]", b"\x80\x04e.", b"\x80\x04h\x05.", b"a.", b"}u.", b"]].", b"."]
)
def test_read_literals_refuses_what_is_cut_or_senseless(data: bytes) -> None:
    with pytest.raises(DataError, match=r"^there: expected a whole pickle"):
        read_literals(data, "there")


def test_read_wheel_refuses_other_archives(tmp_path: Path) -> None:
    path = tmp_path / "other-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other/__init__.py", "")
    with pytest.raises(DataError, match="expected a wheel that holds"):
        read_wheel(path)
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match="expected a wheel that holds"):
        read_wheel(path)
    with pytest.raises(DataError, match="expected a wheel that holds"):
        read_wheel(tmp_path / "missing.whl")


def test_read_wheel_refuses_a_dictionary_with_other_keys(tmp_path: Path) -> None:
    path = tmp_path / "drug-1.0.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(DICTIONARY, bz2.compress(b"\x80\x04}."))
    with pytest.raises(DataError, match="with the keys drug_variant_to_canonical"):
        read_wheel(path)


def test_read_wheel_unpacks_no_more_than_it_should(tmp_path: Path) -> None:
    path = tmp_path / "drug-1.0.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(DICTIONARY, bz2.compress(b"\x00" * (MAX_BYTES + 1)))
    with pytest.raises(DataError, match="at most"):
        read_wheel(path)
