from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
import torch

from smm4h_core.pipeline import Pipeline, load_pipeline
from tests.unit.tagging import tagged_posts
from tests.unit.three_kinds import build_three_kinds

CPU = torch.device("cpu")


@pytest.fixture(scope="package")
def pipeline(
    tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path, tiny_bert: Path, word_bert: Path
) -> Pipeline:
    """A classifier that knows nothing, a tagger that has learnt, a linker to other concepts."""
    root = tmp_path_factory.mktemp("stages")
    learnt = {"epochs": 12, "learning_rate": 1e-2, "checkpoint_steps": None}
    whole = build_three_kinds(
        root, tiny_bundle, word_bert=word_bert, tiny_bert=tiny_bert, training=learnt
    )
    loaded = load_pipeline(whole, device=CPU)
    probs = [
        each.ade.prob for each in loaded.process([e.post for e in tagged_posts(40)]) if each.ade
    ]
    part = loaded.bundle.classifiers["en"]
    halving = replace(part, rule=replace(part.rule, threshold=median(probs)))
    return Pipeline(replace(loaded.bundle, classifiers={"en": halving}), device=CPU)
