"""The keys of a configuration as Markdown, from the model that checks it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

HEADINGS = ("key", "type", "bounds", "default", "meaning")
_BOUNDS = {
    "exclusiveMinimum": "> {}",
    "minimum": "≥ {}",
    "exclusiveMaximum": "< {}",
    "maximum": "≤ {}",
    "minItems": "{} or more",
    "minProperties": "{} or more",
    "pattern": "`{}`",
}
"""A schema's words for bounds, and ours."""
_NAMES = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true, false"}
_INSIDE = {"array": "[]", "object": ".KEY"}
"""What stands for each item of a list, and each key of a mapping, in the path of a section."""
_ROLE = re.compile(r":(?:class|func|meth|mod):(?=`)")
Schema = Mapping[str, Any]


def format_section(model: type[BaseModel], *, title: str = "", within: str = "") -> str:
    """Headings and tables of a model and of every section below it.

    Args:
        model: What checks the file.
        title: Heading of the keys at its top; empty has them right below the page's.
        within: Key path of the whole, where it is a part of a larger file.
    """
    schema = model.model_json_schema()
    lines = [f"\n## {title}"] if title else []
    return "\n".join([*lines, *_format(within, schema, schema.get("$defs", {}), {})]) + "\n"


def _format(path: str, section: Schema, known: Schema, told: dict[str, str]) -> Iterator[str]:
    """Lines of one section, then of those below it.

    Args:
        path: Its key path; empty at the top.
        section: Its schema.
        known: Schemas of all sections by name.
        told: Where each kind of section was told of; one of a kind told before links there.
    """
    yield f"\n{_clean(section.get('description', ''))}\n"
    yield _row(HEADINGS)
    yield _row(["---"] * len(HEADINGS))
    below: list[tuple[str, str]] = []
    required = section.get("required", ())
    for key, value in section["properties"].items():
        where = f"{path}.{key}" if path else key
        names = _sections_of(value)
        below += [(where + _INSIDE.get(value.get("type", ""), ""), name) for name in names]
        kind = f"[{_type(value)}](#{where})" if names else _type(value)
        bounds, default = " and ".join(_bounds(value)), _default(value)
        if key in required:
            default = "**required**"
        yield _row((f"`{key}`", kind, bounds, default, _clean(value.get("description", ""))))
    for where, name in below:
        anchor = where.removesuffix("[]").removesuffix(".KEY")
        yield f"\n### `{where}` {{ #{anchor} }}"
        if name in told:
            yield f"\n{_clean(known[name]['description'])} Its keys: [as above](#{told[name]}).\n"
            continue
        told[name] = anchor
        yield from _format(where, known[name], known, told)


def _sections_of(value: Schema) -> list[str]:
    """Names of the sections that a key holds: itself, in a list, or as one of several."""
    found = [value["$ref"].rpartition("/")[2]] if "$ref" in value else []
    inside = [*value.get("anyOf", ()), *value.get("oneOf", ())]
    inside += [value[word] for word in ("items", "additionalProperties") if word in value]
    for each in inside:
        if isinstance(each, dict):
            found += _sections_of(each)
    return found


def _type(value: Schema) -> str:
    if "$ref" in value:
        return "section"
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{each}`" for each in value["enum"])
    if options := value.get("anyOf", value.get("oneOf")):
        return " or ".join(dict.fromkeys(map(_type, options)))
    kind: str = value.get("type", "anything")
    if "prefixItems" in value:
        return f"{len(value['prefixItems'])} of {_type(value['prefixItems'][0])}"
    if kind == "array":
        return f"list of {_inside(value['items'])}"
    if kind == "object":
        return f"mapping to {_inside(value['additionalProperties'])}"
    return _NAMES.get(kind, kind)


def _inside(value: Schema) -> str:
    """The type of a list's items or a mapping's values, kept together."""
    name = _type(value)
    return f"({name})" if " or " in name or ", " in name else name


def _bounds(value: Schema) -> list[str]:
    found = [form.format(value[word]) for word, form in _BOUNDS.items() if word in value]
    if "prefixItems" in value:
        return [bound for item in value["prefixItems"] for bound in _bounds(item)]
    for each in value.get("anyOf", ()):
        found += _bounds(each)
    if isinstance(items := value.get("items"), dict):
        found += [f"each {bound}" for bound in _bounds(items)]
    return found


def _default(value: Schema) -> str:
    if "default" not in value:
        return ""
    default = value["default"]
    if isinstance(default, dict):
        return "its own defaults"
    return f"`{json.dumps(default, ensure_ascii=False)}`"


def _clean(text: str) -> str:
    return _ROLE.sub("", " ".join(text.split())).replace("|", "\\|")


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
