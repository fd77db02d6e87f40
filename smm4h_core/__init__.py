"""The science of smm4h: nothing in here knows of Ray, HTTP or a command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smm4h_core.pipeline import Pipeline


def load_bundle(folder: str | Path) -> Pipeline:
    """A bundle, ready to answer: ``load_bundle(path).process(["my head hurts"])``.

    Args:
        folder: Where it is; as text also ``package:<import name>/<folder>``.

    Raises:
        BundleError: saying which file is wrong.
    """
    from smm4h_core.packaged import locate_bundle  # here: importing the package costs nothing
    from smm4h_core.pipeline import load_pipeline

    return load_pipeline(locate_bundle(folder) if isinstance(folder, str) else folder)
