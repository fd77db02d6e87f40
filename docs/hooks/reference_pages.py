"""Makes the reference while the site is built: nothing of it is committed, none can be stale."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from command_page import format_commands  # beside this file: mkdocs loads hooks with their folder
from configuration_page import format_section
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from module_pages import PLACE, format_modules, list_parts

from ray_jobs.cli import app
from serve.settings import Args, FrontSettings, PartSettings
from smm4h_core.config import RunConfig
from smm4h_core.pretraining.config import MoleculeRunConfig
from smm4h_core.search.config import EnsembleSearchConfig, SearchConfig

DECISIONS = "decisions/"
RUN = """# A run's keys

The YAML that `smm4h train` takes. Unknown keys are refused, and so are values out of bounds, each
by its key path. A file with a line `inherits: other.yaml`, another file of its folder, says
only what differs; `--set key.path=value` goes over both, its value being YAML. This page is made
from the models that check the files.
"""
SEARCH = """# A search's keys

The YAML that `smm4h tune` takes, of two kinds; [how to search](../how-to/search.md) says what they
do.
"""
PRETRAINING = """# Pretraining's keys

The YAML that `smm4h pretrain molecules` takes.
"""
SERVICE = """# A service's keys

What the files that `serve deploy` takes say to this application, beside Ray Serve's own keys;
[how to serve](../cluster.md) says what a change does.
"""
COMMANDS = """# Commands

The same verbs are `python -m ray_jobs VERB`. Results go to standard output, with `--json` for
machines; everything else to standard error. Exit status: 0 done, 1 ran and failed, 2 wrong use. An
error names the file, line or key; `smm4h --debug VERB` shows its traceback. This page is made from
the commands themselves.
"""
_ROLE = re.compile(r":(?:class|func|meth|mod):(?=<code>)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the navigation's folders: the Python pages that are made, the decisions there are."""
    decisions = sorted(path.name for path in Path(config.docs_dir, DECISIONS).glob("*.md"))
    below = {
        PLACE: [f"{PLACE}{part}.md" for part in list_parts()],
        DECISIONS: [f"{DECISIONS}{name}" for name in decisions],
    }
    config.nav = _fill(config.nav, below)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    for name, content in make_pages():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Take Sphinx's roles off the docstrings' code, which Markdown does not know."""
    return _ROLE.sub("", html)


def make_pages() -> Iterator[tuple[str, str]]:
    """Path below ``docs`` and Markdown of each page."""
    yield "reference/commands.md", COMMANDS + format_commands(app)
    yield "reference/configuration.md", RUN + format_section(RunConfig)
    kinds = {"Over members": SearchConfig, "Over ensembles": EnsembleSearchConfig}
    sections = (format_section(model, title=title) for title, model in kinds.items())
    yield "reference/search.md", SEARCH + "".join(sections)
    yield "reference/pretraining.md", PRETRAINING + format_section(MoleculeRunConfig)
    front = format_section(FrontSettings, title="Of the deployment Ingress", within="user_config")
    parts = format_section(PartSettings, title="Of the other deployments", within="user_config")
    whole = format_section(Args, title="Of the application", within="args")
    yield "reference/service.md", SERVICE + whole + front + parts
    for part, modules in list_parts().items():
        yield f"{PLACE}{part}.md", format_modules(part, modules)


def _fill(nav: Any, below: Mapping[str, list[str]]) -> Any:
    if isinstance(nav, list):
        return [_fill(each, below) for each in nav]
    if isinstance(nav, dict):
        return {title: _fill(each, below) for title, each in nav.items()}
    return below.get(nav, nav)
