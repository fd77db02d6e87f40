"""What the documents tell people to type can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ray_jobs.cli import app

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/**/*.md")
_FENCE = re.compile(r"^```(?:console|bash|sh)\b[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_OURS = re.compile(r"(?:^|[|&;] *|-- )(?:\S*/)?(?:smm4h|python\S* -m ray_jobs)(?: (.*))?$")
_FOLDERS = r"\b(?:smm4h_core|ray_jobs|tune_configs|benchmarks|docs|tests)/(?:[\w./-]*\w)?"


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    paths = [path for pattern in DOCUMENTS for path in sorted(root.glob(pattern))]
    assert {"README.md", "tutorial.md", "results.md"} <= {path.name for path in paths}
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def fenced(text: str) -> list[str]:
    """Commands of the code blocks: what follows a prompt or, in a block without one, each line."""
    commands = []
    for block in _FENCE.findall(text):
        lines = block.replace("\\\n", " ").splitlines()
        prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        commands += [line.strip() for line in prompted or lines]
    return commands


def refusal(arguments: str) -> str:
    """Why the command line would not take these words; empty where it would."""
    words = shlex.split(arguments, comments=True)
    command: Any = get_command(app)
    while hasattr(command, "commands"):
        if words == ["--help"]:
            return ""
        if not words or words[0] not in command.commands:
            return f"no verb in {words}"
        command = command.commands[words.pop(0)]
    try:
        given, rest, _ = command.make_parser(command.context_class(command)).parse_args(words)
    except Exception as error:  # of the library that typer carries inside, private there
        return str(error)
    missing = [p.name for p in command.params if p.required and not given.get(p.name)]
    return f"missing {missing}, too much {rest}" if missing or rest else ""


def test_commands_in_code_blocks_are_taken(text: str) -> None:
    commands = [found[1] or "" for line in fenced(text) if (found := _OURS.search(line))]
    assert len(commands) > 40
    assert {command: why for command in commands if (why := refusal(command))} == {}


def test_commands_in_prose_name_verbs_that_exist(text: str) -> None:
    verbs = get_command(app).commands  # type: ignore[attr-defined]
    found = [_OURS.search(quoted) for quoted in _QUOTED.findall(text)]
    named = {each[1].split()[0] for each in found if each and each[1]}
    assert {"train", "data"} <= named <= set(verbs)


def test_make_targets_exist(root: Path, text: str) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    lines = fenced(text) + _QUOTED.findall(text)
    named = {line.split()[1] for line in lines if line.startswith("make ")}
    assert {"demo", "test", "lint"} <= named <= targets


def test_files_and_folders_exist(root: Path, text: str) -> None:
    named = set(re.findall(_FOLDERS, text))
    assert "tune_configs/embedded/psytar_text.yaml" in named
    made = (root / "Makefile").read_text(encoding="utf-8")  # or a target makes it
    lost = [path for path in named if not (root / path).exists() and path not in made]
    assert sorted(lost) == []


@pytest.mark.parametrize(
    "arguments", ["trian x.yaml", "bundle", "train", "train x.yaml --lr 3", "data check a b"]
)
def test_refusal_sees_what_cannot_be_typed(arguments: str) -> None:
    assert refusal(arguments)
