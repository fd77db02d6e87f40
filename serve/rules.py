"""Thresholds that change while serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from serve.settings import RuleChanges
from smm4h_core.errors import BundleError, ConfigError
from smm4h_core.types import Lang


def change_rules(parts: Mapping[Lang, Any], changes: RuleChanges) -> dict[Lang, Any]:
    """The parts with numbers of their rules replaced; networks are shared with the given ones.

    Raises:
        BundleError: a rule that has no such number, or a value out of its bounds.
    """
    said = changes.model_dump(exclude_none=True)
    if not said:
        return dict(parts)
    return {lang: _change(part, said) for lang, part in parts.items()}


def _change(part: Any, said: Mapping[str, Any]) -> Any:
    inside = getattr(part, "linker", None)  # a linker's rule lies one deeper
    holder = part if inside is None else inside
    known = {each.name for each in fields(holder.rule) if each.init}
    if unknown := said.keys() - known:
        raise BundleError(
            f"rule {holder.rule.kind!r}: expected among {', '.join(sorted(known))}, "
            f"got {', '.join(sorted(unknown))}"
        )
    try:
        rule = replace(holder.rule, **said)
    except ConfigError as error:
        raise BundleError(f"rule {holder.rule.kind!r}: {error}") from None
    changed = replace(holder, rule=rule)
    return changed if inside is None else replace(part, linker=changed)
