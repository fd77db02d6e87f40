"""A benchmark that is a command of its own: ``python -m benchmarks.<name>``."""

from __future__ import annotations

import sys

import typer

from smm4h_core.errors import Smm4hError


def run_command(app: typer.Typer) -> None:
    """Run it; an error of ours is a line on stderr and exit status 1, as `smm4h` has it."""
    try:
        app()
    except Smm4hError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
