"""One member: trained, stored, found finished, resumed, refused."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.corpora.smm4h import write_annotated
from smm4h_core.errors import DataError, TrainingError
from smm4h_core.members.predictions import read_predictions
from smm4h_core.members.train import (
    RECORD,
    WEIGHTS,
    Member,
    Progress,
    member_storage,
    members_of,
    train_member,
)
from smm4h_core.storage import Storage, open_storage
from smm4h_core.types import AnnotatedPost, Post


def write_split(folder: Path, count: int, *, start: int = 0, drug: str = "the drug") -> None:
    posts = [
        AnnotatedPost(
            Post(f"{number}", f"post {number} {drug} {'hurts' if number % 3 == 0 else 'helps'}"),
            label=number % 3 == 0,
            group=f"{number}",
        )
        for number in range(start, start + count)
    ]
    folder.mkdir(parents=True)
    write_annotated(folder, posts, "1a")


@pytest.fixture
def config(tmp_path: Path, tiny_bert: Path) -> RunConfig:
    write_split(tmp_path / "train", 30)
    write_split(tmp_path / "dev", 12, start=100)
    write_split(tmp_path / "test", 9, start=200)
    return config_from_mapping(
        {
            "name": "run",
            "task": "1a",
            "storage": str(tmp_path / "runs"),
            "data": {
                "root": str(tmp_path),
                "train": [{"path": "train"}],
                "dev": [{"path": "dev"}],
                "test": [{"path": "test"}],
            },
            "encoder": {"uri": str(tiny_bert), "max_length": 48},
            "training": {
                "epochs": 2,
                "learning_rate": 1e-3,
                "batch_tokens": 300,
                "precision": "fp32",
                "checkpoint_steps": 1,
            },
            "ensemble": {"seeds": [0, 1]},
        }
    )


@pytest.fixture
def run(config: RunConfig) -> Storage:
    return open_storage(config.storage).child(config.name)


def changed(config: RunConfig, **sections: Any) -> RunConfig:
    return config_from_mapping({**config.model_dump(mode="json"), **sections})


def weights_of(run: Storage, member: Member) -> bytes:
    with member_storage(run, member).read(WEIGHTS) as stream:
        return stream.read()


def test_train_member_stores_weights_predictions_and_record(
    config: RunConfig, run: Storage
) -> None:
    record = train_member(config, Member(0), run)
    storage = member_storage(run, Member(0))
    assert storage.read_json(RECORD) == record
    assert len(record["history"]) == 2
    assert record["num_train_posts"] == 30
    predictions = read_predictions(storage)
    assert set(predictions) == {"dev", "test"}
    assert predictions["dev"].post_ids == tuple(str(n) for n in range(100, 112))
    assert predictions["test"].gold.tolist() == [n % 3 == 0 for n in range(200, 209)]
    assert np.isfinite(predictions["test"].logits).all()
    leftovers = [path.name for path in Path(storage.root).iterdir()]
    assert sorted(leftovers) == [RECORD, "predictions.parquet", WEIGHTS]


def test_train_member_finds_itself_finished(config: RunConfig, run: Storage) -> None:
    record = train_member(config, Member(0), run)
    told: list[Progress] = []
    assert train_member(config, Member(0), run, on_progress=told.append) == record
    assert told == []


def test_train_member_differs_by_seed_and_repeats_by_seed(config: RunConfig, run: Storage) -> None:
    train_member(config, Member(0), run)
    train_member(config, Member(1), run)
    again = run.child("again")
    train_member(config, Member(0), again)
    assert weights_of(run, Member(0)) == weights_of(again, Member(0))
    assert weights_of(run, Member(0)) != weights_of(run, Member(1))


@pytest.mark.parametrize("fusion", ["concat", "gated", "cross_attention"])
def test_train_member_reads_molecules_and_counts_posts_that_have_one(
    config: RunConfig, tiny_bert: Path, fusion: str
) -> None:
    write_split(Path(config.data.root) / "named", 6, start=300, drug="prozac")
    fused = changed(
        config,
        name=fusion,
        network={"fusion": fusion},
        molecules={"uri": str(tiny_bert), "max_length": 40},
        data={**config.data.model_dump(mode="json"), "test": [{"path": "named"}]},
    )
    run = open_storage(fused.storage).child(fused.name)
    record = train_member(fused, Member(0), run)
    assert record["num_with_molecule"] == 6
    assert np.isfinite(read_predictions(member_storage(run, Member(0)))["test"].logits).all()
    again = run.child("again")
    train_member(fused, Member(0), again)
    assert weights_of(run, Member(0)) == weights_of(again, Member(0))


def test_train_member_trains_on_extra_posts_in_every_fold(config: RunConfig, run: Storage) -> None:
    write_split(Path(config.data.root) / "extra", 5, start=300)
    data = {**config.data.model_dump(mode="json"), "folds": 3, "extra": [{"path": "extra"}]}
    training = {**config.training.model_dump(mode="json"), "select": "last", "epochs": 1}
    folded = changed(config, data=data, training=training)
    held_out: set[str] = set()
    for fold in range(3):
        record = train_member(folded, Member(0, fold), run)
        oof = read_predictions(member_storage(run, Member(0, fold)))["oof"]
        assert record["num_train_posts"] == 42 - len(oof.post_ids) + 5
        held_out |= set(oof.post_ids)
    assert held_out == {str(n) for n in (*range(30), *range(100, 112))}


@pytest.mark.parametrize("kill_at", [(0, 2), (1, 1)])
def test_train_member_killed_and_resumed_gives_identical_weights(
    config: RunConfig, run: Storage, kill_at: tuple[int, int]
) -> None:
    class KilledError(Exception):
        pass

    def die(progress: Progress) -> None:
        if (progress.epoch, progress.step) == kill_at:
            raise KilledError

    with pytest.raises(KilledError):
        train_member(config, Member(0), run, on_progress=die)
    record = train_member(config, Member(0), run)
    assert record["resumed"]
    undisturbed = run.child("undisturbed")
    train_member(config, Member(0), undisturbed)
    assert weights_of(run, Member(0)) == weights_of(undisturbed, Member(0))


def test_train_member_refuses_a_member_of_another_configuration(
    config: RunConfig, run: Storage
) -> None:
    train_member(config, Member(0), run)
    faster = changed(config, training={**config.training.model_dump(), "learning_rate": 2e-3})
    with pytest.raises(TrainingError, match=r"trained under another configuration .*another name"):
        train_member(faster, Member(0), run)


def test_train_member_refuses_a_member_of_other_posts(
    config: RunConfig, run: Storage, tmp_path: Path
) -> None:
    train_member(config, Member(0), run)
    labels = tmp_path / "train/class.tsv"
    labels.write_text(labels.read_text().replace("\tADE", "\tNoADE", 1))
    with pytest.raises(TrainingError, match="or on other posts"):
        train_member(config, Member(0), run)


def test_train_member_refuses_a_member_of_another_encoder_under_the_same_name(
    config: RunConfig, run: Storage, tiny_bert: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "encoder"
    shutil.copytree(tiny_bert, copied)
    own = changed(config, encoder={"uri": str(copied), "max_length": 48})
    train_member(own, Member(0), run)
    weights = load_file(copied / "model.safetensors")
    save_file(
        {name: tensor + 0.01 for name, tensor in weights.items()}, copied / "model.safetensors"
    )
    with pytest.raises(TrainingError, match="or on other posts, encoders or molecules"):
        train_member(own, Member(0), run)


def test_train_member_refuses_a_member_of_other_molecules_under_the_same_tables(
    config: RunConfig, run: Storage, tmp_path: Path
) -> None:
    table = tmp_path / "mine.tsv"
    table.write_text("name\tdrug\tsmiles\nzolacin\tzolacin\tCCO\n")
    write_split(tmp_path / "named", 6, start=300, drug="zolacin")
    fused = changed(
        config,
        data={**config.data.model_dump(mode="json"), "test": [{"path": "named"}]},
        network={"fusion": "concat"},
        molecules={"uri": "morgan:64"},
        drugs={"tables": [str(table)]},
    )
    train_member(fused, Member(0), run)
    table.write_text(table.read_text().replace("CCO", "CCN"))
    with pytest.raises(TrainingError, match="or on other posts, encoders or molecules"):
        train_member(fused, Member(0), run)


def test_train_member_of_a_fold_answers_the_posts_it_left_out(
    config: RunConfig, run: Storage
) -> None:
    data = config.data.model_dump()
    training = {**config.training.model_dump(), "select": "last"}
    folded = changed(config, data={**data, "folds": 3}, training=training)
    assert len(members_of(folded)) == 6
    seen: list[str] = []
    for fold in range(3):
        record = train_member(folded, Member(0, fold), run)
        predictions = read_predictions(member_storage(run, Member(0, fold)))
        assert set(predictions) == {"oof", "test"}
        assert record["num_train_posts"] + len(predictions["oof"].post_ids) == 42
        seen += predictions["oof"].post_ids
    assert sorted(seen, key=int) == [str(n) for n in (*range(30), *range(100, 112))]


def test_train_member_with_a_frozen_table_stores_it_nowhere(
    config: RunConfig, run: Storage
) -> None:
    encoder = config.encoder.model_dump()
    frozen = changed(config, name="frozen", encoder={**encoder, "freeze_embeddings": True})
    train_member(frozen, Member(0), run.child("a"))
    train_member(config, Member(0), run.child("b"))
    assert b"word_embeddings" not in weights_of(run.child("a"), Member(0))
    assert b"word_embeddings" in weights_of(run.child("b"), Member(0))


def test_train_member_refuses_dev_posts_without_a_positive_before_training(
    config: RunConfig, run: Storage, tmp_path: Path
) -> None:
    labels = tmp_path / "dev/class.tsv"
    labels.write_text(labels.read_text().replace("\tADE", "\tNoADE"))
    with pytest.raises(DataError, match="dev: expected at least one ADE among 12 posts"):
        train_member(config, Member(0), run)


def test_train_member_refuses_ids_that_stand_in_two_corpora(
    config: RunConfig, run: Storage
) -> None:
    data = config.data.model_dump()
    doubled = changed(config, data={**data, "dev": [{"path": "train"}]})
    with pytest.raises(DataError, match=r"30 post id\(s\) stand more than once.*first '0'"):
        train_member(doubled, Member(0), run)
    tested = changed(config, data={**data, "test": [{"path": "train"}]})
    with pytest.raises(DataError, match=r"30 post id\(s\) stand more than once"):
        train_member(tested, Member(0), run)


def test_progress_counts_up_to_the_end(config: RunConfig, run: Storage) -> None:
    told: list[Progress] = []
    train_member(config, Member(0), run, on_progress=told.append)
    places = [(each.epoch, each.step) for each in told]
    assert places == sorted(places)
    assert told[-1] == dataclasses.replace(told[-1], epoch=2, epochs=2)
    assert told[-1].dev_f1 is not None
    assert all(each.step <= each.steps for each in told)
    assert torch.is_grad_enabled()
