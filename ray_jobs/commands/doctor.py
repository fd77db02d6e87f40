"""``smm4h doctor``: what this machine has, what is missing, what is insecure."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ray_jobs.commands.tables import print_table
from ray_jobs.console import print_json

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(
    keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The service's file of keys.  [default: keys.json]"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Look at this machine; exit 1 where something does not work or is not safe."""
    from ray_jobs.commands import checks

    found = [
        *checks.check_machine(),
        checks.check_accelerator(),
        *checks.check_packages(),
        *checks.check_security(keys),
    ]
    failed = any(check.status == "fail" for check in found)
    if json:
        print_json({"healthy": not failed, "checks": [asdict(check) for check in found]})
    else:
        from rich.text import Text

        rows = [
            (Text(check.status, _STYLES[check.status]), check.name, check.found, check.advice)
            for check in found
        ]
        print_table(rows, num_left=4)
    if failed:
        raise typer.Exit(1)
