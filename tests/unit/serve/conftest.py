from pathlib import Path

import pytest

from tests.serving import build_whole_bundle


@pytest.fixture(scope="session")
def whole_bundle(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> Path:
    """See `tests.serving`."""
    return build_whole_bundle(tmp_path_factory.mktemp("whole"), tiny_bert)
