from pathlib import Path

import pytest
import torch

from benchmarks.end_to_end import SERVED, measure_stages
from benchmarks.section import BenchmarkError
from smm4h_core.evaluation.served import score_mention_reports
from smm4h_core.pipeline import Pipeline, load_pipeline
from tests.unit.tagging import tagged_posts

CPU = torch.device("cpu")
POSTS = tagged_posts(40)


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
