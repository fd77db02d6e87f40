"""Who may import whom. The science knows no engine; the core's packages import downwards only."""

from __future__ import annotations

import ast
from collections.abc import Iterator

LAYERS = (
    {"types", "errors", "measures", "memory"},
    {"sections", "storage", "stored_rules", "packaged", "access_keys"},
    {"linking_sections"},
    {"config"},
    {"text", "corpora"},
    {"encoders"},
    {"drugs"},
    {"training", "tables", "reports", "model_card", "marked"},
    {"pretraining"},
    {"classify"},
    {"extract"},
    {"link"},
    {"evaluation"},
    {"members", "bundle"},
    {"search", "bundle_build"},
    {"stages"},
    {"pipeline"},
    {"batch", "frames"},
)
"""Parts of smm4h_core, lowest first: each imports itself and parts of lower layers alone."""

HEIGHT = {part: height for height, parts in enumerate(LAYERS) for part in parts}
OURS = {"smm4h_core", "ray_jobs", "serve", "tune_configs", "tests", "benchmarks"}
ENGINES = {"ray", "fastapi", "starlette", "uvicorn", "typer", "click", "rich"}


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of whatever a file imports, functions' bodies included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: an import without its package's name"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def offences(trees: dict[str, ast.Module], package: str, forbidden: set[str]) -> list[str]:
    return [
        f"{path}:{line} imports {name}"
        for path, tree in trees.items()
        if path.startswith(f"{package}/")
        for line, name in imported(tree)
        if name.partition(".")[0] in forbidden
    ]


def test_core_imports_neither_engine_nor_shell(trees: dict[str, ast.Module]) -> None:
    assert offences(trees, "smm4h_core", ENGINES | OURS - {"smm4h_core"}) == []


def test_shells_never_import_each_other(trees: dict[str, ast.Module]) -> None:
    assert offences(trees, "ray_jobs", {"serve", "tests", "benchmarks"}) == []
    assert offences(trees, "serve", {"ray_jobs", "tests", "benchmarks"}) == []


def test_layers_hold_each_part_of_the_core_once(trees: dict[str, ast.Module]) -> None:
    parts = {
        path.split("/")[1].removesuffix(".py") for path in trees if path.startswith("smm4h_core/")
    }
    assert set(HEIGHT) == parts - {"__init__"}
    assert len(HEIGHT) == sum(map(len, LAYERS))


def test_core_imports_downwards_only(trees: dict[str, ast.Module]) -> None:
    upwards = []
    for path, tree in trees.items():
        package, *inside = path.split("/")
        part = inside[0].removesuffix(".py")
        if package != "smm4h_core" or part == "__init__":
            continue
        for line, name in imported(tree):
            other = name.split(".")[1] if name.startswith("smm4h_core.") else part
            if other != part and HEIGHT[other] >= HEIGHT[part]:
                upwards.append(f"{path}:{line} imports {name}")
    assert upwards == []
