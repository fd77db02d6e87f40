"""An ensemble of taggers through Ray Train on the synthetic sample, from run to submission."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ray_jobs.run import run_training
from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.corpora.sample import sample_split
from smm4h_core.members.span_predictions import read_span_predictions
from smm4h_core.pipeline import load_pipeline
from smm4h_core.storage import open_storage

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_local")]


def test_taggers_are_trained_joined_and_served(make_config: Callable[..., RunConfig]) -> None:
    raw = make_config("taggers").model_dump(mode="json")
    raw |= {"task": "1b", "extraction": {"head": "crf", "stride": 4}}
    raw["data"] |= {
        "train": [{"path": "sample:en/dev"}],
        "dev": [{"path": "sample:en/test"}],
        "test": [],
    }
    raw["ensemble"] |= {"rule": "vote", "threshold": "chosen"}
    raw["training"]["epochs"] = 1
    config = config_from_mapping(raw)
    outcome = run_training(config)
    assert (outcome.num_trained, outcome.num_workers, outcome.failed) == (2, 2, ())
    run = open_storage(outcome.run_location)
    for name in ("s0-f0", "s1-f0"):
        assert set(read_span_predictions(run.child("members", name))) == {"dev"}
    assert run.read_json("result.json")["splits"]["dev"]["n"] == len(sample_split("en", "test"))
    posts = [each.post for each in sample_split("en", "test")]
    reports = load_pipeline(Path(outcome.bundle_location)).process(posts)
    for post, report in zip(posts, reports, strict=True):
        assert report.ade is None
        for each in report.mentions or ():
            span = each.mention.span
            assert post.text[span.start : span.end] == each.mention.text
    again = run_training(config)
    assert (again.num_trained, again.result) == (0, outcome.result)
