from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
import torch

from benchmarks.end_to_end import SERVED, measure_stages
from benchmarks.section import BenchmarkError
from ray_jobs.run import run_training
from smm4h_core.bundle_build import join_bundles
from smm4h_core.evaluation.served import score_mention_reports
from smm4h_core.pipeline import Pipeline, load_pipeline
from tests.unit.linking import build_linking
from tests.unit.tagging import build_tagging, tagged_posts

CPU = torch.device("cpu")
POSTS = tagged_posts(40)


@pytest.fixture(scope="module")
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
    probs = [each.ade.prob for each in loaded.process([e.post for e in POSTS]) if each.ade]
    part = loaded.bundle.classifiers["en"]
    halving = replace(part, rule=replace(part.rule, threshold=median(probs)))
    return Pipeline(replace(loaded.bundle, classifiers={"en": halving}), device=CPU)


def test_measure_stages_scores_what_is_served_and_what_gold_would_give(pipeline: Pipeline) -> None:
    posts = POSTS
    assert 0 < sum(bool(each.label) for each in posts) < len(posts)

    stages = {(each.name, each.given): each for each in measure_stages(pipeline, posts)}

    served = pipeline.process([each.post for each in posts])
    assert 0 < sum(report.ade.is_ade for report in served if report.ade) < len(posts)
    for name, task in (("mentions", "1b"), ("linked mentions", "1c")):
        expected = score_mention_reports(posts, served, task=task)
        assert stages[name, "let through"].mentions == expected
    counts = {
        given: stages["mentions", given].mentions.score.official.relaxed
        for given in ("all", "let through", "gold ADE")
    }
    # The tagger finds what it learnt where it looks; a classifier that knows nothing hides some.
    assert counts["gold ADE"].f1 >= counts["all"].f1 > counts["let through"].f1
    assert SERVED in stages
    assert 0 <= stages["linked", "gold mentions"].value <= 1


def test_measure_stages_asks_for_parts_of_all_kinds(tiny_bundle: Path) -> None:
    with pytest.raises(BenchmarkError, match="expected parts of all kinds"):
        measure_stages(load_pipeline(tiny_bundle, device=CPU), tagged_posts(4))
