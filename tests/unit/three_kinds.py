"""A bundle with a classifier, a tagger and a linker, each as small as can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ray_jobs.run import run_training
from smm4h_core.bundle_build import join_bundles
from tests.unit.linking import build_linking
from tests.unit.tagging import build_tagging


def build_three_kinds(
    root: Path, classifier: Path, *, word_bert: Path, tiny_bert: Path, **tagging: Any
) -> Path:
    """Train a tagger and a linker and join them to a classifier's bundle.

    Args:
        root: A new folder.
        classifier: The bundle whose classifier is taken.
        word_bert: The tagger's encoder.
        tiny_bert: The linker's.
        **tagging: Sections of the tagger's run, beside its one seed.
    """
    for folder in ("tag", "link"):
        (root / folder).mkdir()
    once = {"seeds": [0]}
    tagger = build_tagging(root / "tag", word_bert)(ensemble=once, **tagging)
    linker = build_linking(root / "link", tiny_bert)(ensemble=once)
    sources = [
        ("classifier", classifier),
        ("extractor", Path(run_training(tagger, inline=True).bundle_location)),
        ("linker", Path(run_training(linker, inline=True).bundle_location)),
    ]
    join_bundles(sources, name="whole", version="1", folder=root / "whole")
    return root / "whole"
