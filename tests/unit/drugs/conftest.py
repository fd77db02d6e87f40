"""A wheel like the open dictionary's, written opcode by opcode."""

import bz2
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smm4h_core.drugs.wheel import DICTIONARY

WheelFile = Callable[..., Path]


def encode(value: Any) -> Iterator[bytes]:
    """The opcodes that build a plain value."""
    match value:
        case True | False:
            yield b"\x88" if value else b"\x89"
        case str():
            raw = value.encode()
            yield b"X" + len(raw).to_bytes(4, "little") + raw
        case list():
            yield b"]("
            for item in value:
                yield from encode(item)
            yield b"e"
        case dict():
            yield b"}("
            for key, item in value.items():
                yield from encode(key)
                yield from encode(item)
            yield b"u"


@pytest.fixture
def wheel_file(tmp_path: Path) -> WheelFile:
    def write(
        names: dict[str, str],
        facts: dict[str, dict[str, Any]],
        name_facts: dict[str, dict[str, Any]] | None = None,
    ) -> Path:
        value = {
            "drug_variant_to_canonical": {name: [entry] for name, entry in names.items()},
            "drug_canonical_to_data": facts,
            "drug_variant_to_variant_data": name_facts or {},
        }
        path = tmp_path / "drug_named_entity_recognition-9.9-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            data = b"\x80\x04" + b"".join(encode(value)) + b"."
            archive.writestr(DICTIONARY, bz2.compress(data))
        return path

    return write
