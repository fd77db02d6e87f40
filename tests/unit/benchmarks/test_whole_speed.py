import pytest

from benchmarks.whole_speed import OURS, OURS_FP32, THEIRS, THEIRS_ALONE, build_contenders
from smm4h_core.pipeline import Pipeline
from tests.unit.tagging import tagged_posts


@pytest.mark.filterwarnings("default")  # transformers' own, which differ between its releases
def test_every_network_reads_what_ours_gives_it(pipeline: Pipeline) -> None:
    posts = [each.post for each in tagged_posts(40)]
    reports = pipeline.process(posts)
    contenders = build_contenders(pipeline.bundle, posts, pipeline.device)

    passed = sum(report.ade.is_ade for report in reports if report.ade)
    mentions = sum(len(report.mentions or ()) for report in reports)
    assert 0 < passed < len(posts)
    assert mentions
    num_classifiers, num_taggers, num_linkers = (
        sum(map(len, part.networks))
        for part in (
            pipeline.bundle.classifiers["en"],
            pipeline.bundle.extractors["en"],
            pipeline.bundle.linkers["en"],
        )
    )
    expected = num_classifiers * len(posts) + num_taggers * passed + num_linkers * mentions
    assert contenders[THEIRS](posts) == contenders[THEIRS_ALONE](posts) == expected
    for name in (OURS, OURS_FP32):
        answered = contenders[name](posts)
        assert [each.ade.is_ade for each in answered] == [each.ade.is_ade for each in reports]
