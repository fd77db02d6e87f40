"""Taggers joined from stored answers: scores, answers, and the bundle that answers alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from ray_jobs.run import Outcome, run_training
from smm4h_core.config import RunConfig
from smm4h_core.errors import DataError
from smm4h_core.evaluation.served import score_mention_reports
from smm4h_core.extract.dictionary import TermMatcher
from smm4h_core.extract.part import load_extractor, save_extractor
from smm4h_core.extract.tags import Tags
from smm4h_core.members.comparison import compare_in_blocks, read_answers, read_run
from smm4h_core.members.data import read_run_posts
from smm4h_core.members.extraction import build_extraction
from smm4h_core.members.join import join_members
from smm4h_core.members.train import (
    WEIGHTS,
    Member,
    member_storage,
    members_home,
    members_of,
    train_member,
)
from smm4h_core.pipeline import Pipeline, load_pipeline
from smm4h_core.storage import Storage, open_storage
from smm4h_core.types import AnnotatedPost, Post, Report
from tests.unit.tagging import build_tagging

Make = Callable[..., RunConfig]
LEARNT = {"epochs": 8, "learning_rate": 1e-2, "checkpoint_steps": None}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def make_run(tmp_path_factory: pytest.TempPathFactory, word_bert: Path) -> Make:
    return build_tagging(tmp_path_factory.mktemp("tagging"), word_bert)


def train_and_join(config: RunConfig) -> dict[str, Any]:
    """A run's result without the bundle, whose lexicon takes longer to write than to train this."""
    home = members_home(config)
    for member in members_of(config):
        train_member(config, member, home)
    seeds = config.ensemble.seeds
    return join_members(config, read_run_posts(config), home, home, seeds)


def check_answers(
    result: dict[str, Any], run: Storage, posts: Sequence[AnnotatedPost], reports: Sequence[Report]
) -> None:
    """Hold what was served of test posts against what was stored of them."""
    scored = score_mention_reports(posts, reports).to_json()
    for scorer in ("official", "one_to_one"):
        for match in ("relaxed", "strict"):
            stored = dict(result["test"][scorer][match])
            del stored["members"]
            assert scored[scorer][match] == stored
    assert scored["ece"] == pytest.approx(result["test"]["ece"], abs=1e-5)

    with run.read("answers.parquet") as stream:
        rows = [row for row in pq.read_table(stream).to_pylist() if row["split"] == "test"]
    for row, report in zip(rows, reports, strict=True):
        assert row["post_id"] == report.post_id
        found = report.mentions
        assert found is not None and report.ade is None
        assert row["votes"] == [each.votes for each in found]
        assert row["probs"] == pytest.approx([each.prob for each in found], abs=1e-5)
        assert [
            [(part["start"], part["end"]) for part in mention] for mention in row["mentions"]
        ] == [[(p.start, p.end) for p in each.mention.parts] for each in found]

    golds, preds = (
        {(row["post_id"], m[0]["start"], m[-1]["end"]) for row in rows for m in row[column]}
        for column in ("gold", "mentions")
    )
    assert golds & preds  # or nothing was learnt, and all of the above holds of nothing
    f1 = 2 * len(golds & preds) / (len(golds) + len(preds))
    assert result["test"]["one_to_one"]["strict"]["f1"] == pytest.approx(f1)


@pytest.mark.parametrize(
    ("head", "folds", "word_features"), [("crf", 1, True), ("linear", 2, False)]
)
def test_saved_taggers_answer_what_was_evaluated(
    make_run: Make, tmp_path: Path, head: str, folds: int, word_features: bool
) -> None:
    config = make_run(
        f"{head}-{folds}",
        ensemble={"rule": "mean", "threshold": "chosen"},
        extraction={"head": head, "coordination": True, "word_features": word_features},
        training={**LEARNT, "select": "last" if folds > 1 else "best"},
        data={"folds": folds},
    )
    result = train_and_join(config)
    assert set(result["splits"]) == {"oof" if folds > 1 else "dev", "test"}
    home = members_home(config)
    members = [
        [member_storage(home, Member(seed, fold)) for fold in range(folds)]
        for seed in config.ensemble.seeds
    ]
    save_extractor(config, members, weights_name=WEIGHTS, folder=tmp_path)
    part = load_extractor(config, result["rule"], tmp_path)
    posts = read_run_posts(config).test
    reports = [
        Report(each.post.post_id, "en", None, (), "tagging@1", mentions)
        for each, mentions in zip(
            posts, part.extract([each.post for each in posts], device=CPU), strict=True
        )
    ]
    check_answers(result["splits"], home, posts, reports)


@pytest.fixture(scope="module")
def outcome(make_run: Make) -> Outcome:
    config = make_run(
        "short",
        ensemble={"threshold": "chosen"},
        training=LEARNT,
        encoder={"max_length": 12},
        extraction={"stride": 4, "coordination": True},
    )
    return run_training(config, inline=True)


@pytest.fixture(scope="module")
def pipeline(outcome: Outcome) -> Pipeline:
    return load_pipeline(Path(outcome.bundle_location), device=CPU)


def test_bundle_answers_what_was_evaluated(
    make_run: Make, outcome: Outcome, pipeline: Pipeline
) -> None:
    result = outcome.result["splits"]
    assert set(result) == {"dev", "test"}
    assert result["test"]["one_to_one"]["strict"]["members"]["num_members"] == 2
    posts = read_run_posts(make_run()).test
    reports = pipeline.process([each.post for each in posts])
    check_answers(result, open_storage(outcome.run_location), posts, reports)


def test_pipeline_of_one_equals_many_in_any_order_and_quotes_the_post(pipeline: Pipeline) -> None:
    texts = [f"it gave me {e} and no sleep" for e in ("rash", "dry mouth")]
    texts += ["🙂 dry mouth, rash! " * 9, "", "so weight gain 🙂🙂 again", "боль", "\ud83d rash"]
    posts = [Post(str(n), text, "en") for n, text in enumerate(texts * 8)]
    together = pipeline.process(posts)
    turned = pipeline.process(posts[::-1])[::-1]
    assert sum(len(report.mentions or ()) for report in together) > 16
    for post, report, other in zip(posts, together, turned, strict=True):
        (alone,) = pipeline.process([post])
        for again in (other, alone):
            assert [each.mention for each in again.mentions] == [
                each.mention for each in report.mentions
            ]
            assert [each.prob for each in again.mentions] == pytest.approx(
                [each.prob for each in report.mentions], abs=1e-5
            )
        for each in report.mentions:
            assert post.text[each.mention.span.start : each.mention.span.end] == each.mention.text
            assert 0 <= each.prob <= 1


def test_pipeline_reads_long_posts_to_their_end(pipeline: Pipeline) -> None:
    text = "no idea what to say of this " * 12 + "so dry mouth, again!"
    (report,) = pipeline.process([Post("1", text, "en")])
    assert "dry mouth" in [each.mention.text for each in report.mentions]


def test_dictionary_is_the_same_at_training_and_prediction(
    make_run: Make, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lineage tagged every word O at prediction."""
    config = make_run(extraction={"stride": 4}, encoder={"max_length": 12})
    posts = read_run_posts(config)
    options = {"seed": 0, "fold": 0, "device": CPU, "dtype": torch.float32}
    trained = [each.term_tags for each in build_extraction(config, posts, **options).train.worded]
    served: list[list[int]] = []
    match = TermMatcher.match

    def note(self: TermMatcher, text: str, words: Sequence[tuple[int, int]]) -> Tags:
        tags = match(self, text, words)
        served.append(tags.tolist())
        return tags

    monkeypatch.setattr(TermMatcher, "match", note)
    pipeline.process([each.post for each in posts.pool])
    assert any(tags.any() for tags in trained)
    assert served == [tags.tolist() for tags in trained]


def test_runs_of_spans_are_compared_by_both_strictnesses(make_run: Make) -> None:
    configs = [
        make_run("one", training=LEARNT, ensemble={"seeds": [0]}),
        make_run("other", training={"learning_rate": 1e-5}, ensemble={"seeds": [0]}),
    ]
    for config in configs:
        train_and_join(config)
        members_home(config).write_json("config.json", config.model_dump(mode="json"))
    runs = [members_home(config) for config in configs]
    read = [answers for run in runs for answers in read_answers(run, "test")]
    blocks = compare_in_blocks(read)
    assert [block.baseline.measure for block in blocks] == ["strict F1", "relaxed F1"]
    for block in blocks:
        (_, nothing), (contender, comparison) = block.rows
        assert nothing is None
        assert comparison.contender_f1 == pytest.approx(contender.scores["f1"])
        assert comparison.difference < 0
    with pytest.raises(DataError, match="expected a run that labels posts"):
        read_run(runs[0], "test")
