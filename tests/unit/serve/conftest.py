import asyncio
from pathlib import Path
from typing import Any

import pytest

from serve.graph import Graph
from tests.serving import build_whole_bundle, compose, start


@pytest.fixture(scope="session")
def whole_bundle(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> Path:
    """See `tests.serving`."""
    return build_whole_bundle(tmp_path_factory.mktemp("whole"), tiny_bert)


@pytest.fixture(scope="module")
def composed(whole_bundle: Path) -> tuple[Graph, Any]:
    """The bundle's graph and its parts, started; a module's own, since each brings event loops."""
    graph, parts = compose(whole_bundle)
    asyncio.run(start(parts))
    return graph, parts
