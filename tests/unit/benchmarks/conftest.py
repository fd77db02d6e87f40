from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
import torch

from ray_jobs.run import run_training
from smm4h_core.bundle_build import join_bundles
from smm4h_core.pipeline import Pipeline, load_pipeline
from tests.unit.linking import build_linking
from tests.unit.tagging import build_tagging, tagged_posts

CPU = torch.device("cpu")


@pytest.fixture(scope="package")
def pipeline(
    tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path, tiny_bert: Path, word_bert: Path
) -> Pipeline:
    """A classifier that knows nothing, a tagger that has learnt, a linker to other concepts."""
    root = tmp_path_factory.mktemp("stages")
    for folder in ("tag", "link"):
        (root / folder).mkdir()
    learnt = {"epochs": 12, "learning_rate": 1e-2, "checkpoint_steps": None}
    run_training(
        build_tagging(root / "tag", word_bert)(training=learnt, ensemble={"seeds": [0]}),
        inline=True,
    )
    run_training(build_linking(root / "link", tiny_bert)(ensemble={"seeds": [0]}), inline=True)
    sources = [
        ("classifier", tiny_bundle),
        ("extractor", root / "tag/runs/tagging/bundle"),
        ("linker", root / "link/runs/linking/bundle"),
    ]
    join_bundles(sources, name="all", version="1", folder=root / "all")
    loaded = load_pipeline(root / "all", device=CPU)
    probs = [
        each.ade.prob for each in loaded.process([e.post for e in tagged_posts(40)]) if each.ade
    ]
    part = loaded.bundle.classifiers["en"]
    halving = replace(part, rule=replace(part.rule, threshold=median(probs)))
    return Pipeline(replace(loaded.bundle, classifiers={"en": halving}), device=CPU)
