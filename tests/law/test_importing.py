"""Importing does nothing: no file, no setting, no engine before a command needs it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

IMPORT_ALL = """
import importlib, logging, os, pkgutil
import ray.serve, ray.train.torch, rdkit.Chem, torch, transformers  # what these set is not ours
transformers.PreTrainedModel, transformers.AutoModel  # imported only when named
names = sorted(
    module.name
    for package in ("smm4h_core", "ray_jobs", "serve")
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
    if not module.name.endswith("__main__")
)
before = dict(os.environ), os.getcwd(), list(logging.root.handlers)
for name in names:
    importlib.import_module(name)
assert (dict(os.environ), os.getcwd(), list(logging.root.handlers)) == before
assert not ray.is_initialized()
print(len(names))
"""

RUN_AND_LIST = """
import sys
from ray_jobs.cli import main
sys.argv[:] = ["smm4h", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*sorted({"ray", "torch", "transformers", "sklearn", "pyarrow"} & sys.modules.keys()))
"""


def python(code: str, *arguments: str, home: Path) -> str:
    """Run code in an empty folder that is also HOME; return the last line of what it prints."""
    environment = {"HF_HUB_OFFLINE": "1", "HOME": str(home), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, *arguments],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def module_level(node: ast.AST) -> Iterator[ast.AST]:
    """What runs on import: all but functions' bodies."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from module_level(child)


def test_importing_everything_leaves_nothing_behind(tmp_path: Path) -> None:
    num_modules = int(python(IMPORT_ALL, home=tmp_path))
    assert num_modules > 60
    assert list(tmp_path.iterdir()) == []


def test_importing_reads_no_environment(trees: dict[str, ast.Module]) -> None:
    readers = [
        f"{path}:{node.lineno}"
        for path, tree in trees.items()
        if path.startswith(("smm4h_core/", "ray_jobs/", "serve/"))
        for node in module_level(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "putenv")
    ]
    assert readers == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["extract", "--help"],
        ["train", "--help"],
        ["tune", "--help"],
        ["bundle", "--help"],
        ["data", "--help"],
        ["drugs", "--help"],
    ],
)
def test_help_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    assert python(RUN_AND_LIST, *arguments, home=tmp_path) == ""


def test_scoring_imports_neither_ray_nor_torch(tmp_path: Path) -> None:
    table = tmp_path / "labels.tsv"
    table.write_text("tweet_id\tlabel\na\tADE\nb\tNoADE\n", encoding="utf-8")
    files = ["--gold", str(table), "--pred", str(table)]
    heavy = python(RUN_AND_LIST, "score", "--task", "1a", *files, home=tmp_path)
    assert not {"ray", "torch", "transformers"} & set(heavy.split())
