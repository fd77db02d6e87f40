"""The project's own files, as the laws look at them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGES = ("smm4h_core", "ray_jobs", "serve", "tune_configs", "tests", "benchmarks", "docs")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def trees(root: Path) -> dict[str, ast.Module]:
    """Every Python file of ours, by its path below `root`, parsed."""
    files = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    return {
        path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in files
    }
