"""How commands take a bundle: a folder, or a place inside an installed package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smm4h_core.errors import BundleError
from smm4h_core.packaged import locate_bundle

BUNDLE_METAVAR = "FOLDER|package:NAME/FOLDER"


def bundle_folder(given: str | Path) -> Path:
    """The folder meant by ``FOLDER`` or ``package:NAME/FOLDER``; a parser for typer.

    Raises:
        BadParameter: there is no such folder.
    """
    try:
        return locate_bundle(str(given))
    except BundleError as error:
        raise typer.BadParameter(str(error)) from None


BundleArgument = Annotated[
    Path,
    typer.Argument(
        metavar="BUNDLE", parser=bundle_folder, help=f"The bundle that answers: {BUNDLE_METAVAR}."
    ),
]
