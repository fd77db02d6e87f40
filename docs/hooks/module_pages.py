"""A page for each part of the core, which mkdocstrings fills from its modules' docstrings."""

from __future__ import annotations

from pathlib import Path

CORE = "smm4h_core"
PLACE = "reference/python/"
ROOT = Path(__file__).parents[2]


def list_parts() -> dict[str, list[str]]:
    """Public modules by part: a package with what is in it, or a module on its own."""
    parts: dict[str, list[str]] = {CORE: [CORE]}
    for path in sorted((ROOT / CORE).rglob("*.py")):
        names = path.relative_to(ROOT).with_suffix("").parts
        if names[-1] == "__init__":
            names = names[:-1]
        if len(names) > 1 and not any(name.startswith("_") for name in names):
            parts.setdefault(names[1], []).append(".".join(names))
    return parts


def format_modules(part: str, modules: list[str]) -> str:
    """The page of one part, whose own docstring is its title's."""
    name = part if part == CORE else f"{CORE}.{part}"
    own, *inside = modules
    assert own == name, f"{own} is not the package {name}: it lacks __init__.py"
    lines = ["---", f"title: {name}", "---", "", f"::: {own}", "    options:"]
    lines += ["      heading_level: 1", ""]
    for module in inside:
        lines += [f"::: {module}", ""]
    return "\n".join(lines)
