"""A bundle's model card: what it must say of data and measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from smm4h_core.bundle import read_manifest
from smm4h_core.model_card import format_model_card

WARNING = "The posts are synthetic"


def card(bundle: Path, **changed: Any) -> str:
    manifest = read_manifest(bundle)
    configuration = manifest["parts"]["classifier"]["configuration"]
    configuration.update(changed)
    return format_model_card(manifest)


def test_model_card_warns_of_measures_on_synthetic_posts(tiny_bundle: Path) -> None:
    configuration = read_manifest(tiny_bundle)["parts"]["classifier"]["configuration"]
    real = {"path": "corpus/dev", "lang": "en", "types": None}
    data = {**configuration["data"], "dev": [real], "test": []}
    assert data["train"][0]["path"].startswith("sample:")
    assert WARNING in card(tiny_bundle)
    assert WARNING not in card(tiny_bundle, data=data)  # learning from them flatters nothing
    assert WARNING in card(tiny_bundle, data={**data, "folds": 2})  # judged on training posts


def test_model_card_credits_each_source_once(tiny_bundle: Path) -> None:
    assert "## Credits" not in card(tiny_bundle)
    text = card(tiny_bundle, credits=["A: CC BY 4.0", "B: MIT", "A: CC BY 4.0"])
    assert text.rstrip().endswith("## Credits\n\n- A: CC BY 4.0\n- B: MIT")
