"""The command line's surface is frozen: scripts of others depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from ray_jobs.cli import app

SURFACE = {
    "smm4h": "--debug",
    "smm4h demo": "--storage",
    "smm4h extract": "GIVEN... --bundle --lang --extract-all --html --colour --json",
    "smm4h train": "CONFIG --set --inline|--no-inline --json",
    "smm4h tune": "CONFIG --set --json",
    "smm4h predict": "BUNDLE SOURCE OUT --task --rows --lang --extract-all --errors --json",
    "smm4h evaluate": "BUNDLE --task --gold --lang --errors --extract-all --without --json",
    "smm4h score": "--task --gold --pred --json",
    "smm4h compare": "RUNS... --split --baseline --json --markdown --out",
    "smm4h serve": "BUNDLE --host --port --keys --no-auth --replicas --gpus",
    "smm4h keys": "",
    "smm4h keys add": "NAME --keys --scope",
    "smm4h keys list": "--keys --json",
    "smm4h keys revoke": "NAME --keys",
    "smm4h bundle": "",
    "smm4h bundle build": "OUT --classifier --extractor --linker --name --version",
    "smm4h bundle update": "BUNDLE SOURCE OUT --version --release --terminology --lay-terms",
    "smm4h link": "BUNDLE MENTIONS... --post --lang --explain --json",
    "smm4h bundle show": "BUNDLE --json",
    "smm4h bundle verify": "BUNDLE",
    "smm4h data": "",
    "smm4h data check": "PATH --json",
    "smm4h data sample": "FOLDER --seed",
    "smm4h data convert": ("SOURCE OUT --format --concepts --by --dev --test --seed --json"),
    "smm4h drugs": "",
    "smm4h drugs lookup": "NAME --table --json",
    "smm4h terminology": "",
    "smm4h terminology build": (
        "SOURCE OUT --name --version --lay-terms --only-lay-concepts --understands --json"
    ),
    "smm4h pretrain": "",
    "smm4h pretrain molecules": "CONFIG --set --out --inline|--no-inline --json",
    "smm4h doctor": "--keys --json",
}
"""Every verb with its arguments, in order, and its options."""


def describe(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"{parameter.name.upper()}{'...' if parameter.nargs == -1 else ''}"
    return "|".join((*parameter.opts, *parameter.secondary_opts))


def walk(command: Any, name: str) -> Iterator[tuple[str, str]]:
    yield name, " ".join(describe(parameter) for parameter in command.params)
    for verb, below in getattr(command, "commands", {}).items():
        yield from walk(below, f"{name} {verb}")


def test_surface_is_what_was_promised() -> None:
    assert dict(walk(get_command(app), "smm4h")) == SURFACE


def test_every_verb_and_option_says_what_it_is_for() -> None:
    silent = []
    pending: list[tuple[str, Any]] = [("smm4h", get_command(app))]
    while pending:
        name, command = pending.pop()
        options = [p for p in command.params if p.param_type_name == "option"]
        silent += [f"{name} {p.opts[0]}" for p in options if not p.help]
        silent += [] if command.help else [name]
        pending += [(f"{name} {v}", c) for v, c in getattr(command, "commands", {}).items()]
    assert silent == []
