"""What is told of a bundle."""

from __future__ import annotations

from typing import Any

from serve.graph import Front
from serve.shelf import Held


def summarise_bundle(held: Held[Front]) -> dict[str, Any]:
    """The bundle as `serve.schemas.BundleOut` has it."""
    manifest = held.value.manifest
    return {
        "name": manifest["name"],
        "version": manifest["version"],
        "sha256": held.digest,
        "languages": list(held.value.languages),
        "created": manifest["created"],
        "terminology": manifest.get("terminology"),
        "parts": {
            name: {
                "task": part["task"],
                "encoder": part["configuration"]["encoder"]["uri"],
                "members": len(part["configuration"]["ensemble"]["seeds"]),
                "rule": part["rule"],
                "scores": part["scores"],
            }
            for name, part in manifest["parts"].items()
        },
    }
