"""The documentation is whole, current, and asks nobody for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter
from typer.main import get_command

from ray_jobs.cli import app
from smm4h_core.config import RunConfig, read_config
from smm4h_core.search.config import EnsembleSearchConfig, SearchConfig

_YAML = re.compile(r'^```yaml(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)
_FETCHING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
"""Elements, and their attribute that a browser fetches by itself."""


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=root,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


class Fetched(HTMLParser):
    """Addresses that a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get(_FETCHING.get(tag, ""))
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "preconnect", "preload"):
            address = given.get("href")
        self.addresses += [address] if address else []


def test_site_builds_strictly_and_fetches_nothing(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 50
    abroad = []
    for page in pages:
        fetched = Fetched()
        fetched.feed(page.read_text(encoding="utf-8"))
        assert fetched.addresses or page.name == "404.html"
        abroad += [f"{page.name}: {a}" for a in fetched.addresses if "//" in a or a[0] == "/"]
    assert [each for each in abroad if not each.startswith("404.html: /")] == []


def test_reference_has_every_command_and_option(site: Path) -> None:
    page = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    pending: list[tuple[str, Any]] = [("smm4h", get_command(app))]
    while pending:
        name, command = pending.pop()
        below = getattr(command, "commands", {})
        pending += [(f"{name} {verb}", each) for verb, each in below.items()]
        if not below:
            assert f">{name}<" in page, name
            options = [p.opts[0] for p in command.params if p.param_type_name == "option"]
            assert [option for option in options if option not in page] == []


@pytest.mark.parametrize(
    ("page", "model"),
    [("configuration", RunConfig), ("search", SearchConfig), ("search", EnsembleSearchConfig)],
)
def test_reference_has_every_key(site: Path, page: str, model: type[BaseModel]) -> None:
    text = (site / "reference" / f"{page}.html").read_text(encoding="utf-8")
    keys = set(keys_of(model.model_json_schema()))
    assert {"name", "storage"} < keys
    assert [key for key in sorted(keys) if f"<code>{key}</code>" not in text] == []


def keys_of(schema: dict[str, Any]) -> Iterator[str]:
    """Keys of a model and of all sections below it."""
    for section in (schema, *schema.get("$defs", {}).values()):
        yield from section.get("properties", ())


def test_reference_has_every_public_module(site: Path, trees: dict[str, Any]) -> None:
    pages = (page.read_text(encoding="utf-8") for page in (site / "reference/python").iterdir())
    text = "\n".join(pages)
    for path in trees:
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if path.startswith("smm4h_core/") and "._" not in name:
            assert f'id="{name}"' in text, path


def blocks(root: Path) -> Iterator[tuple[Path, str, str]]:
    """Page, title and text of every block of YAML."""
    for page in (root / "README.md", *sorted((root / "docs").rglob("*.md"))):
        for title, block in _YAML.findall(page.read_text(encoding="utf-8")):
            yield page, title, block


def test_yaml_in_the_documents_is_taken(root: Path, tmp_path: Path) -> None:
    runs = sections = 0
    for page, title, block in blocks(root):
        raw = yaml.safe_load(block)
        if "kind" in raw:
            kinds = {"training": SearchConfig, "ensemble": EnsembleSearchConfig}
            kinds[raw["kind"]].checked(raw, source=page.name)
        elif title:  # a whole file, perhaps one that inherits another of its page
            folder = tmp_path / page.stem
            folder.mkdir(exist_ok=True)
            (folder / title).write_text(block, encoding="utf-8")
            assert read_config(folder / title).name == Path(title).stem
            runs += 1
        else:
            for key, value in raw.items():
                check_section(RunConfig, key, value)
                sections += 1
    assert runs >= 3
    assert sections >= 6


def check_section(model: type[BaseModel], key: str, value: Any) -> None:
    """Check what a snippet says of a section; what it does not say is not asked for."""
    assert key in model.model_fields, f"no key {key}"
    annotation = model.model_fields[key].annotation
    kinds = getattr(annotation, "__args__", (annotation,))
    nested = [k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)]
    if nested and isinstance(value, dict):
        for inside, given in value.items():
            check_section(nested[0], inside, given)
    else:
        TypeAdapter(annotation).validate_python(value)
