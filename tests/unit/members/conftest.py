from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from smm4h_core.config import RunConfig
from tests.unit.tagging import build_tagging


@pytest.fixture
def make_tagging(tmp_path: Path, word_bert: Path) -> Callable[..., RunConfig]:
    """`build_tagging` below a folder of the test's own."""
    return build_tagging(tmp_path, word_bert)
