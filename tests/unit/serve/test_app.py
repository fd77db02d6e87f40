"""The builder, up to where Ray would start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from serve.app import build_app
from smm4h_core.errors import BundleError, ConfigError


def test_build_app_wants_keys_unless_told_otherwise(tiny_bundle: Path) -> None:
    with pytest.raises(ConfigError, match="keys: expected a file"):
        build_app({"bundle": str(tiny_bundle)})


def test_build_app_refuses_unknown_arguments_and_broken_bundles(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValidationError, match="bundel"):
        build_app({"bundle": str(tiny_bundle), "bundel": "x", "auth": False})
    with pytest.raises(BundleError, match="is not a bundle"):
        build_app({"bundle": str(tmp_path), "auth": False})


def test_ingress_and_builder_import_no_torch() -> None:
    code = "import sys, serve.app, serve.api, serve.service; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "False", done.stderr
