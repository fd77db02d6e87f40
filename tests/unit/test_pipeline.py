from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smm4h_core.corpora.sample import sample_split
from smm4h_core.errors import DataError
from smm4h_core.pipeline import Pipeline, load_pipeline
from smm4h_core.types import Post


@pytest.fixture(scope="module")
def pipeline(tiny_bundle: Path) -> Pipeline:
    return load_pipeline(tiny_bundle, device=torch.device("cpu"))


@pytest.fixture(scope="module")
def posts() -> list[Post]:
    return [annotated.post for annotated in sample_split("en", "dev")[:32]]


def test_process_of_one_equals_process_of_many(pipeline: Pipeline, posts: list[Post]) -> None:
    together = pipeline.process(posts)
    for post, report in zip(posts, together, strict=True):
        (alone,) = pipeline.process([post])
        assert alone.ade.prob == pytest.approx(report.ade.prob, abs=1e-6)
        assert (alone.ade.is_ade, alone.ade.votes) == (report.ade.is_ade, report.ade.votes)


def test_process_answers_in_the_order_of_the_posts(pipeline: Pipeline, posts: list[Post]) -> None:
    turned = pipeline.process(posts[::-1])[::-1]
    for report, other in zip(pipeline.process(posts), turned, strict=True):
        assert report.post_id == other.post_id
        assert report.ade.prob == pytest.approx(other.ade.prob, abs=1e-6)


def test_process_finds_both_kinds_of_post(pipeline: Pipeline, posts: list[Post]) -> None:
    answers = {report.ade.is_ade for report in pipeline.process(posts)}
    assert answers == {True, False}


def test_process_of_nothing_is_nothing(pipeline: Pipeline) -> None:
    assert pipeline.process([]) == []


@settings(max_examples=30)
@given(text=st.text(st.characters(codec=None), max_size=60))
def test_process_answers_any_text(pipeline: Pipeline, text: str) -> None:
    (report,) = pipeline.process([Post("1", text)])
    assert 0 <= report.ade.prob <= 1
    assert report.ade.num_members == 2
    assert report.lang == "en"


def test_process_detects_the_language_where_the_bundle_has_several(pipeline: Pipeline) -> None:
    part = pipeline.bundle.classifiers["en"]
    bundle = replace(pipeline.bundle, languages=("en", "ru"), classifiers={"en": part, "ru": part})
    both = Pipeline(bundle, device=torch.device("cpu"))
    posts = [Post("7", "болит голова от золофта"), Post("8", "my head hurts"), Post("9", "ё", "en")]
    reports = both.process(posts)
    assert [report.lang for report in reports] == ["ru", "en", "en"]
    assert [report.ade is None for report in reports] == [False] * 3


def test_process_refuses_a_language_that_the_bundle_never_saw(pipeline: Pipeline) -> None:
    says = "post '7': expected one of the bundle's languages, en; got ru"
    with pytest.raises(DataError, match=says):
        pipeline.process([Post("7", "текст", "ru")])


def test_process_takes_texts_and_numbers_them(pipeline: Pipeline) -> None:
    texts = ["my head hurts", "", "so what"]
    reports = pipeline.process(texts)
    assert [report.post_id for report in reports] == ["1", "2", "3"]
    posts = [Post(str(n), text) for n, text in enumerate(texts, start=1)]
    assert reports == pipeline.process(posts)


def test_process_names_the_bundle(pipeline: Pipeline) -> None:
    (report,) = pipeline.process([Post("1", "text", "en")])
    assert (report.bundle, report.lang) == ("tiny@1", "en")
