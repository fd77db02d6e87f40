"""Laws that no linter knows: names, paths, what may be loaded, what a test must do."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

FOLDERS = (
    *("smm4h_core", "ray_jobs", "serve", "tune_configs", "tests", "benchmarks"),
    *("docs", "deploy", ".ci"),
)
SUFFIXES = {".cfg", ".json", ".md", ".py", ".toml", ".txt", ".yaml", ".yml", ""}
PICKLES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "wrapper"}
_MACHINE = re.compile(r"(?<![\w.])/(?:work|home|root|Users)/\w")


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """Path and content of whatever is written by hand."""
    paths = list(root.iterdir())
    for folder in FOLDERS:
        paths += (root / folder).rglob("*")
    for path in sorted(paths):
        if path.is_file() and path.suffix in SUFFIXES:
            yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def calls(trees: dict[str, ast.Module], name: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Where a function is called under its full dotted name, with its constant keywords."""
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
                keywords = {k.arg: getattr(k.value, "value", None) for k in node.keywords if k.arg}
                yield f"{path}:{node.lineno}", keywords


def test_no_file_names_a_folder_of_somebody_s_machine(root: Path) -> None:
    written = dict(texts(root))
    assert {"README.md", "Makefile", ".ci/run", "smm4h_core/types.py"} <= written.keys()
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, text in written.items()
        for number, line in enumerate(text.splitlines(), 1)
        if _MACHINE.search(line)
    ]
    assert found == []


def test_nothing_loaded_can_run_code(trees: dict[str, ast.Module]) -> None:
    bad = [where for where, given in calls(trees, "torch.load") if not given.get("weights_only")]
    bad += [where for where, given in calls(trees, "np.load") if given.get("allow_pickle")]
    bad += [where for name in ("eval", "exec", "yaml.load") for where, _ in calls(trees, name)]
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
                if getattr(node.value, "value", None) is not False:
                    bad.append(f"{path}:{node.lineno}")
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", "")}
                if names & PICKLES:
                    bad.append(f"{path}:{node.lineno}")
    assert bad == []


def test_no_module_has_a_name_that_says_nothing(trees: dict[str, ast.Module]) -> None:
    parts = {part for path in trees for part in PurePosixPath(path).with_suffix("").parts}
    assert {word for part in parts for word in part.split("_")} & NO_NAMES == set()


def test_no_file_wants_a_wall(root: Path, trees: dict[str, ast.Module]) -> None:
    sizes = {path: len((root / path).read_text(encoding="utf-8").splitlines()) for path in trees}
    assert {path: size for path, size in sizes.items() if size > 400} == {}


def test_every_test_can_fail(trees: dict[str, ast.Module]) -> None:
    idle = []
    for path, tree in trees.items():
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        asserting = {f.name for f in functions if _asserts(f, set())}
        idle += [
            f"{path}::{function.name}"
            for function in functions
            if function.name.startswith("test_") and not _asserts(function, asserting)
        ]
    assert idle == []


def test_warnings_are_errors(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    settings = project["tool"]["pytest"]["ini_options"]
    assert settings["filterwarnings"][0] == "error"
    assert {"--strict-markers", "--strict-config"} <= set(settings["addopts"].split())


def _asserts(function: ast.FunctionDef, asserting: set[str]) -> bool:
    """Whether a body asserts, expects an error, or calls a function that does."""
    called = {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
    return (
        any(isinstance(node, ast.Assert) for node in ast.walk(function))
        or not called.isdisjoint(asserting | {"pytest.raises"})
        or any(name.rpartition(".")[2].startswith("assert_") for name in called)
    )
