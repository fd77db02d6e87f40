"""A run in this process: what a member's failure does to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import ray_jobs.run
from ray_jobs.run import run_training
from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.errors import TrainingError
from smm4h_core.members.train import Member, train_member


@pytest.fixture
def config(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    """A run of two seeds, of which the second always fails."""

    def train(config: RunConfig, member: Member, *others: Any, **options: Any) -> dict[str, Any]:
        if member.seed == 1:
            raise TrainingError("loss nan")
        return train_member(config, member, *others, **options)

    monkeypatch.setattr(ray_jobs.run, "train_member", train)
    return config_from_mapping(
        {
            "name": "half",
            "task": "1a",
            "storage": str(tmp_path),
            "data": {"train": [{"path": "sample:en/dev"}], "dev": [{"path": "sample:en/test"}]},
            "encoder": {"uri": str(tiny_bert), "max_length": 16},
            "training": {"epochs": 1, "learning_rate": 1e-3, "precision": "fp32"},
            "ensemble": {"seeds": [0, 1], "rule": "mean"},
        }
    )


def test_inline_run_names_the_member_that_failed(config: RunConfig) -> None:
    with pytest.raises(TrainingError, match=r"1 of 2 seeds finished(.|\n)*  s1-f0: loss nan"):
        run_training(config, inline=True)


def test_inline_run_goes_on_where_min_members_allows(config: RunConfig) -> None:
    fewer = config.ensemble.model_copy(update={"min_members": 1})
    outcome = run_training(config.model_copy(update={"ensemble": fewer}), inline=True)
    assert [place.member for place in outcome.failed] == [Member(1)]
    assert (outcome.num_trained, outcome.result["seeds"]) == (1, [0])
