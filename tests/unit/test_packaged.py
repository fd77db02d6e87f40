from pathlib import Path

import pytest

import smm4h_core
from smm4h_core import load_bundle
from smm4h_core.errors import BundleError, DataError
from smm4h_core.packaged import STARTER, locate_bundle, locate_in_package


def test_locate_in_package_finds_folders_without_importing() -> None:
    folder = Path(smm4h_core.__file__).parent
    assert locate_in_package("package:smm4h_core/drugs/data", DataError) == folder / "drugs/data"


@pytest.mark.parametrize("uri", ["package:", "package:os.path/x", "package:smm4h_core/../x"])
def test_locate_in_package_refuses_what_is_no_place_in_a_package(uri: str) -> None:
    with pytest.raises(DataError, match="expected package:"):
        locate_in_package(uri, DataError)


def test_locate_bundle_names_what_is_missing(tmp_path: Path) -> None:
    assert locate_bundle(str(tmp_path)) == tmp_path
    with pytest.raises(BundleError, match="no_such_package' is installed"):
        locate_bundle("package:no_such_package/bundle")
    with pytest.raises(BundleError, match=r"package:smm4h_core/none: no such folder: .*none$"):
        locate_bundle("package:smm4h_core/none")
    with pytest.raises(BundleError, match=r"nowhere: no such folder$"):
        load_bundle("nowhere")


def test_locate_bundle_says_where_the_starter_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_dir", lambda _: False)
    with pytest.raises(BundleError, match="without the starter bundle, name one of your own"):
        locate_bundle(STARTER)
