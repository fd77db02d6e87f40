"""Rules that join members, from the JSON that a bundle keeps of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from smm4h_core.errors import BundleError, ConfigError

R = TypeVar("R")


def read_rule(
    data: Mapping[str, Any],
    rules: Mapping[str, type[R]],
    *,
    what: str,
    parts: Mapping[str, type] | None = None,
) -> R:
    """Read what `dataclasses.asdict` made of a rule, to the last bit.

    Args:
        data: Its keys; ``kind`` says which rule it is.
        rules: Frozen dataclasses by kind.
        what: What errors call it.
        parts: Dataclasses of values that are objects themselves, by their keys.

    Raises:
        BundleError: an unknown kind, a key missing or unknown, or a value that does not fit.
    """
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in rules:
        raise BundleError(f"{what}, kind: expected one of {sorted(rules)}, got {kind!r}")
    expected = {each.name for each in fields(rules[kind])}  # type: ignore[arg-type]
    if data.keys() != expected:
        raise BundleError(f"{what} {kind!r}: expected keys {sorted(expected)}, got {sorted(data)}")
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in data.items()
        if key != "kind"
    }
    try:
        for key, part in (parts or {}).items():
            values[key] = part(**values[key])
        return rules[kind](**values)
    except (ConfigError, TypeError) as error:
        raise BundleError(f"{what} {kind!r}, {error}") from error
