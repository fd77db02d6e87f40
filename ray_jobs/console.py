"""Where words go: results to stdout, the rest to stderr."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console


def results() -> Console:
    """The console for what a command was asked for; plain text when piped."""
    return Console(highlight=False, soft_wrap=True)


def notices() -> Console:
    """The console for progress, warnings and errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout, for machines."""
    results().out(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))
