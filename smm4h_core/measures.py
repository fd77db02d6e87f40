"""Which numbers of a split's scores are shown: one line of labels, two of spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def shown_measures(score: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Numbers by what they measure: ``F1`` of labels; of spans, one to one, both strictnesses.

    Args:
        score: A split's scores, as ``result.json`` and bundles have them.
    """
    if "one_to_one" not in score:
        return {"F1": score}
    matches = score["one_to_one"]
    return {f"{match} F1": matches[match] for match in ("strict", "relaxed")}
