"""A run in this process: what a member's failure does to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import ray_jobs.run
from ray_jobs.run import run_training
from smm4h_core.bundle import load_bundle
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


def test_run_joins_the_members_of_another_without_training(config: RunConfig) -> None:
    both = config.model_copy(
        update={"ensemble": config.ensemble.model_copy(update={"seeds": (0, 2)})}
    )
    first = run_training(both, inline=True)
    logistic = both.ensemble.model_copy(update={"rule": "logistic", "members_of": "half"})
    joined = both.model_copy(update={"name": "joined", "ensemble": logistic})
    second = run_training(joined, inline=True)
    assert (first.num_trained, second.num_trained) == (2, 0)
    assert second.result["rule"]["kind"] == "logistic"
    assert second.run_location.endswith("joined")
    assert not (Path(second.run_location) / "members").exists()
    assert load_bundle(Path(second.bundle_location)).label == "joined@1"


def test_run_refuses_members_of_a_run_that_was_made_otherwise(config: RunConfig) -> None:
    one = config.model_copy(update={"ensemble": config.ensemble.model_copy(update={"seeds": (0,)})})
    run_training(one, inline=True)
    slower = one.training.model_copy(update={"learning_rate": 1e-4})
    others = one.ensemble.model_copy(update={"members_of": "half"})
    update = {"name": "joined", "ensemble": others, "training": slower}
    with pytest.raises(TrainingError, match="half/members/s0-f0 was trained under another"):
        run_training(one.model_copy(update=update), inline=True)


def test_run_scores_each_language_of_a_mixed_split(config: RunConfig) -> None:
    both = [{"path": "sample:en/dev", "lang": "en"}, {"path": "sample:ru/dev", "lang": "ru"}]
    raw = config.model_dump(mode="json")
    raw["data"] |= {"dev": both, "train": [{"path": "sample:en/test"}]}
    raw["ensemble"]["seeds"] = [0]
    splits = run_training(config_from_mapping(raw), inline=True).result["splits"]
    by_lang = splits["dev"]["by_lang"]
    assert set(by_lang) == {"en", "ru"}
    assert sum(score["n"] for score in by_lang.values()) == splits["dev"]["n"]
