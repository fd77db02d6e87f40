"""Read the open drug dictionary out of its wheel, without running anything that it holds.

The dictionary is a Python pickle. A pickle is a program for a small stack machine; this reader
knows the opcodes that build containers, strings, numbers and truth values, and refuses a file with
any other, so no class is ever looked up and nothing is ever called.
"""

from __future__ import annotations

import bz2
import pickletools
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from smm4h_core.errors import DataError

DICTIONARY = "drug_named_entity_recognition/drug_ner_dictionary.pkl.bz2"
"""The dictionary's name inside the wheel."""
MAX_BYTES = 64 * 2**20
"""Eight times the size of version 2.0.9's dictionary; more is not what we know."""


@dataclass(frozen=True, slots=True)
class WheelDictionary:
    """What the dictionary says, as it says it."""

    version: str
    """The wheel's version."""
    names: Mapping[str, tuple[str, ...]]
    """Lower-case name to the canonical names that it may stand for, best guess first."""
    facts: Mapping[str, Mapping[str, Any]]
    """Canonical name to what is known of it: spelling, SMILES, ids."""
    name_facts: Mapping[str, Mapping[str, Any]]
    """Name to what is known of the name alone."""


def read_wheel(path: Path) -> WheelDictionary:
    """Read the dictionary of a ``drug_named_entity_recognition`` wheel.

    Raises:
        DataError: if the file is no such wheel, or holds anything but plain values.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(DICTIONARY) as packed:
            data = bz2.BZ2File(packed).read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, KeyError, OSError, EOFError) as error:
        raise DataError(f"{path}: expected a wheel that holds {DICTIONARY}: {error}") from None
    if len(data) > MAX_BYTES:
        raise DataError(f"{path}: expected a dictionary of at most {MAX_BYTES} bytes, got more")
    value = read_literals(data, str(path))
    keys = ("drug_variant_to_canonical", "drug_canonical_to_data", "drug_variant_to_variant_data")
    if not isinstance(value, dict) or not all(isinstance(value.get(key), dict) for key in keys):
        raise DataError(f"{path}: expected a dictionary with the keys {', '.join(keys)}")
    names, facts, name_facts = (cast("dict[str, Any]", value[key]) for key in keys)
    version = path.name.split("-")[1] if path.name.count("-") >= 2 else "unknown"
    return WheelDictionary(
        version, {name: tuple(found) for name, found in names.items()}, facts, name_facts
    )


def read_literals(data: bytes, place: str) -> Any:
    """The value of a pickle made of containers, strings, numbers and truth values alone.

    Raises:
        DataError: at the first opcode that does anything else.
    """
    machine = _Machine()
    try:
        for opcode, argument, offset in pickletools.genops(data):
            step = _STEPS.get(opcode.name)
            if step is None:
                raise DataError(
                    f"{place}: expected plain values, got the opcode {opcode.name} at {offset}"
                )
            step(machine, argument)
        (value,) = machine.stack
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{place}: expected a whole pickle: {error}") from None
    return value


class _Machine:
    """The stack, the marks in it and the memory that the opcodes work on."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memory: list[Any] = []

    def since_mark(self) -> list[Any]:
        mark = self.marks.pop()
        found = self.stack[mark:]
        del self.stack[mark:]
        return found

    def append(self) -> None:
        value = self.stack.pop()
        self.stack[-1].append(value)

    def extend(self) -> None:
        values = self.since_mark()
        self.stack[-1].extend(values)

    def set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1][key] = value

    def set_items(self) -> None:
        values = self.since_mark()
        self.stack[-1].update(zip(values[::2], values[1::2], strict=True))


_Step = Callable[[_Machine, Any], object]


def _nothing(machine: _Machine, argument: Any) -> None:
    """Frames, protocol and the end say nothing about the value."""


def _push(machine: _Machine, argument: Any) -> None:
    machine.stack.append(argument)


_STEPS: Mapping[str, _Step] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), _nothing),
    **dict.fromkeys(("SHORT_BINUNICODE", "BINUNICODE", "BINFLOAT", "BININT", "BININT1"), _push),
    "NONE": lambda machine, _: machine.stack.append(None),
    "NEWFALSE": lambda machine, _: machine.stack.append(False),
    "NEWTRUE": lambda machine, _: machine.stack.append(True),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "MEMOIZE": lambda machine, _: machine.memory.append(machine.stack[-1]),
    "BINGET": lambda machine, place: machine.stack.append(machine.memory[place]),
    "LONG_BINGET": lambda machine, place: machine.stack.append(machine.memory[place]),
    "APPEND": lambda machine, _: machine.append(),
    "APPENDS": lambda machine, _: machine.extend(),
    "SETITEM": lambda machine, _: machine.set_item(),
    "SETITEMS": lambda machine, _: machine.set_items(),
}
