"""The Python in the documents runs, as it stands there, against a bundle of real tiny networks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.three_kinds import build_three_kinds

ROOT = Path(__file__).parents[2]
_PYTHON = re.compile(r"^```python[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_TITLED = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
_BUNDLE = re.compile(r'"(runs/[\w/.-]+)"')
ELSEWHERE = {"docs/cluster.md": "tests/integration/test_serving.py"}
"""Pages whose Python wants a running service, and the test that runs one for that client."""
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if _PYTHON.search(path.read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def whole_bundle(
    tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path, tiny_bert: Path, word_bert: Path
) -> Path:
    """A bundle with all three kinds of parts."""
    root = tmp_path_factory.mktemp("parts")
    return build_three_kinds(root, tiny_bundle, word_bert=word_bert, tiny_bert=tiny_bert)


def test_documents_have_python_to_run() -> None:
    assert {"README.md", "docs/tutorial.md", "docs/explanation/scores.md"} <= set(PAGES)
    for page, test in ELSEWHERE.items():
        assert page in PAGES
        (client,) = re.findall(r"^from (serve\.\w+) import (\w+)", (ROOT / page).read_text(), re.M)
        assert "from {} import {}".format(*client) in (ROOT / test).read_text()


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ELSEWHERE])
def test_python_in_documents_runs(page: str, whole_bundle: Path, tmp_path: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    script = "\n".join(_PYTHON.findall(text))
    for name, content in _TITLED.findall(text):  # files that the reader is told to make
        (tmp_path / name).write_text(content, encoding="utf-8")
    for name in set(_BUNDLE.findall(script)):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(whole_bundle, target_is_directory=True)
    (tmp_path / "page.py").write_text(script, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "page.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
