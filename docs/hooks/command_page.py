"""The command line as Markdown, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command


def format_commands(app: typer.Typer) -> str:
    """A heading, the usage and a table for each command, in the order of ``--help``."""
    command: Any = get_command(app)
    return "\n".join(_format(command, "smm4h")) + "\n"


def _format(command: Any, name: str) -> Iterator[str]:
    verbs = getattr(command, "commands", {})
    if not verbs:
        context = command.context_class(command, info_name=name)
        usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
        yield f"\n## {name}\n\n{command.help}\n\n```text\n{usage}\n```\n"
        records = [each.get_help_record(context) for each in command.params]
        yield "| argument or option | meaning |\n|---|---|"
        yield from (f"| `{what}` | {_escape(meaning)} |" for what, meaning in filter(None, records))
    for verb, below in verbs.items():
        yield from _format(below, f"{name} {verb}")


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("[required]", "**required**")
