"""One member of an extraction run: overfitted, stored, resumed, refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from smm4h_core.config import RunConfig
from smm4h_core.corpora.smm4h import write_annotated
from smm4h_core.errors import TrainingError
from smm4h_core.extract.decode import extract_scored
from smm4h_core.members.data import read_run_posts
from smm4h_core.members.extraction import build_extraction
from smm4h_core.members.span_predictions import read_span_predictions
from smm4h_core.members.train import WEIGHTS, Member, Progress, member_storage, train_member
from smm4h_core.storage import Storage, open_storage
from tests.unit.tagging import tagged_posts

Make = Callable[..., RunConfig]
CPU = torch.device("cpu")


def home(config: RunConfig) -> Storage:
    return open_storage(config.storage).child(config.name)


def weights_of(run: Storage, member: Member) -> bytes:
    with member_storage(run, member).read(WEIGHTS) as stream:
        return stream.read()


@pytest.mark.parametrize("head", ["linear", "crf"])
@pytest.mark.parametrize("terms", [[], ["packaged"]])
def test_train_member_overfits_sixteen_posts(
    make_tagging: Make, head: str, terms: list[str]
) -> None:
    config = make_tagging(
        extraction={"head": head, "terms": terms},
        training={"epochs": 12, "learning_rate": 1e-2, "checkpoint_steps": None},
        data={"dev": [{"path": "train"}], "train": [{"path": "again"}]},
    )
    root = Path(config.data.root)
    posts = tagged_posts(16)
    write_annotated(root / "again", tagged_posts(20, start=1000)[:16], "1b")
    assert len({post.post.text for post in posts}) <= 16
    record = train_member(config, Member(0), home(config))
    assert record["choosing_f1"] == 1.0
    assert record["num_train_mentions"] == 12
    assert record["num_truncated"] == 0


def test_train_member_stores_what_refits_everything(make_tagging: Make) -> None:
    # Of longer training, so that it finds mentions to be refitted.
    config = make_tagging(training={"epochs": 4, "learning_rate": 1e-2, "checkpoint_steps": None})
    train_member(config, Member(0), home(config))
    stored = read_span_predictions(member_storage(home(config), Member(0)))
    assert set(stored) == {"dev", "test"}
    test = stored["test"]
    posts = read_run_posts(config).test
    assert test.post_ids == tuple(each.post.post_id for each in posts)
    assert [[m.span for m in mentions] for mentions in test.gold] == [
        [m.span for m in each.mentions] for each in posts
    ]
    scores = test.answers.asked_scores()
    for places, own, each in zip(test.places, scores, posts, strict=True):
        assert len(places) == len(own.logits) > 0
        assert each.post.text[places[0, 0] : places[0, 1]] in each.post.text.split()
    # The spans follow from the stored scores alone.
    again = extract_scored(test.places, scores)
    assert any(again)
    assert again == test.answers.spans


@pytest.mark.parametrize("kill_at", [(0, 2), (1, 1)])
def test_train_member_killed_and_resumed_gives_identical_weights(
    make_tagging: Make, kill_at: tuple[int, int]
) -> None:
    class KilledError(Exception):
        pass

    def die(progress: Progress) -> None:
        if (progress.epoch, progress.step) == kill_at:
            raise KilledError

    config = make_tagging(training={"epochs": 2}, network={"dropout": 0.3})
    run = home(config)
    with pytest.raises(KilledError):
        train_member(config, Member(0), run, on_progress=die)
    assert train_member(config, Member(0), run)["resumed"]
    train_member(config, Member(0), run.child("undisturbed"))
    assert weights_of(run, Member(0)) == weights_of(run.child("undisturbed"), Member(0))


def test_train_member_of_a_fold_answers_the_posts_it_left_out(make_tagging: Make) -> None:
    config = make_tagging(data={"folds": 2}, training={"select": "last"})
    held_out: set[str] = set()
    for fold in range(2):
        train_member(config, Member(0, fold), home(config))
        stored = read_span_predictions(member_storage(home(config), Member(0, fold)))
        assert set(stored) == {"oof", "test"}
        held_out |= set(stored["oof"].post_ids)
    assert len(held_out) == 24


def test_train_member_refuses_a_member_of_other_spans(make_tagging: Make) -> None:
    config = make_tagging()
    train_member(config, Member(0), home(config))
    spans = Path(config.data.root) / "train" / "spans.tsv"
    header, *rows = spans.read_text(encoding="utf-8").splitlines(keepends=True)
    spans.write_text(header + "".join(rows[1:]), encoding="utf-8")
    with pytest.raises(TrainingError, match="or on other posts"):
        train_member(config, Member(0), home(config))


def test_train_member_refuses_a_member_of_another_list_of_terms(
    make_tagging: Make, tmp_path: Path
) -> None:
    terms = tmp_path / "terms.txt"
    terms.write_text("dry mouth\n")
    config = make_tagging(extraction={"terms": [str(terms)]})
    train_member(config, Member(0), home(config))
    terms.write_text("dry mouth\nrash\n")
    with pytest.raises(TrainingError, match="or on other posts"):
        train_member(config, Member(0), home(config))


def test_weight_of_a_corpus_weighs_its_words(make_tagging: Make) -> None:
    data = {
        "train": [{"path": "train", "weight": 0.25}, {"path": "dev"}],
        "dev": [{"path": "test"}],
    }
    config = make_tagging(data={**data, "test": []})
    options = {"seed": 0, "fold": 0, "device": CPU, "dtype": torch.float32}
    torch.manual_seed(0)
    setup = build_extraction(config, read_run_posts(config), **options)
    assert setup.weights == [0.25] * 16 + [1.0] * 8
    for batch in setup.draw_batches(0):
        expected = [0.25 if int(post_id) < 100 else 1.0 for post_id in batch.post_ids]
        assert batch.weights.tolist() == expected
        alone = setup.loss(setup.network, batch)
        logits = setup.network(batch.words)
        by_word = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), batch.tags, reduction="none"
        )
        mask = batch.words.mask * batch.weights[:, None]
        assert alone.item() == pytest.approx(((by_word * mask).sum() / mask.sum()).item(), rel=1e-5)


def test_oversampling_deals_windows_with_a_mention(make_tagging: Make) -> None:
    config = make_tagging(training={"oversample": True})
    options = {"seed": 0, "fold": 0, "device": CPU, "dtype": torch.float32}
    setup = build_extraction(config, read_run_posts(config), **options)
    tags = [batch.tags for batch in setup.draw_batches(0)]
    positive = np.concatenate([(each > 0).any(dim=1).numpy() for each in tags])
    assert len(positive) == 24  # 12 of 16 mention an effect
    assert positive.mean() == 0.5


def test_run_reads_spans_of_other_types_as_its_map_says(make_tagging: Make) -> None:
    plain = make_tagging()
    count = sum(len(post.mentions) for post in read_run_posts(plain).pool)
    spans = Path(plain.data.root) / "train" / "spans.tsv"
    spans.write_text(spans.read_text(encoding="utf-8").replace("\tADE\t", "\tWD\t", 1))
    left_out = {"ADE": "ADE", "WD": None}
    for types, expected in ((left_out, count - 1), ({**left_out, "WD": "ADE"}, count)):
        mapped = make_tagging(data={"train": [{"path": "train", "types": types}]})
        assert sum(len(post.mentions) for post in read_run_posts(mapped).pool) == expected
