"""Thresholds that change while serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from serve.settings import PartSettings
from smm4h_core.errors import BundleError, ConfigError
from smm4h_core.types import Lang


def change_rules(parts: Mapping[Lang, Any], settings: PartSettings) -> dict[Lang, Any]:
    """The parts with numbers of their rules replaced; networks are shared with the given ones.

    Raises:
        BundleError: a language that has no part, a rule that has no such number, or a value out of
            its bounds.
    """
    if strange := settings.rule_of.keys() - parts.keys():
        raise BundleError(
            f"rule_of: expected among {', '.join(sorted(parts))}, got {', '.join(sorted(strange))}"
        )
    changed: dict[Lang, Any] = {}
    parts_changed: dict[tuple[int, tuple[tuple[str, float], ...]], Any] = {}
    for lang, part in parts.items():
        said = settings.changes(lang)
        # One part of several languages stays one where they are changed alike: it is asked once.
        key = id(part), tuple(sorted(said.items()))
        if key not in parts_changed:
            parts_changed[key] = _change(part, said) if said else part
        changed[lang] = parts_changed[key]
    return changed


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
