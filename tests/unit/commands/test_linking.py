"""Task 1c on the command line: parts joined into one bundle, posts in, concepts out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from ray_jobs.run import run_training
from smm4h_core.bundle import load_bundle
from smm4h_core.corpora.smm4h import read_annotated
from smm4h_core.pipeline import Pipeline, load_pipeline
from smm4h_core.types import AnnotatedPost, Report, Span
from tests.unit.linking import build_linking
from tests.unit.tagging import build_tagging

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, word_bert: Path) -> Path:
    """Folder of a tagger's and a linker's run."""
    root = tmp_path_factory.mktemp("runs")
    for folder in ("tag", "link"):
        (root / folder).mkdir()
    learnt = {"epochs": 12, "learning_rate": 1e-2, "checkpoint_steps": None}
    tag = build_tagging(root / "tag", word_bert)
    run_training(tag(training=learnt, ensemble={"seeds": [0]}), inline=True)
    link = build_linking(root / "link", tiny_bert)
    run_training(link(ensemble={"seeds": [0]}), inline=True)
    return root


@pytest.fixture
def bundle(runs: Path, smm4h, tmp_path: Path) -> Path:
    ended = smm4h(
        *("bundle", "build", tmp_path / "both", "--version", "7"),
        *("--extractor", runs / "tag/runs/tagging/bundle"),
        *("--linker", runs / "link/runs/linking/bundle"),
    )
    assert ended.code == 0, ended.err
    assert "both@7: extractor, linker; languages: en" in ended.out
    return tmp_path / "both"


def test_joined_bundle_is_whole_and_says_what_it_holds(bundle: Path, smm4h) -> None:
    assert smm4h("bundle", "verify", bundle).code == 0
    shown = smm4h("bundle", "show", bundle)
    assert "acc@1 of similarity" in shown.out
    assert "relaxed F1" in shown.out
    card = (bundle / "README.md").read_text()
    assert "Links each mention to a concept" in card
    assert "Marks the words" in card


def test_predict_1c_writes_a_submission_with_concepts(
    bundle: Path, runs: Path, smm4h, tmp_path: Path
) -> None:
    posts = runs / "tag" / "test"
    ended = smm4h("predict", bundle, posts, tmp_path / "out.tsv", "--task", "1c")
    assert ended.code == 0, ended.err
    written = read_answers(tmp_path / "out.tsv")
    assert written
    assert {mention["ptid"] for mention in written} <= {"C1", "C2", "C3", "C4", "C5"}


def read_answers(path: Path) -> list[dict[str, str]]:
    header, *rows = (line.split("\t") for line in path.read_text().splitlines())
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_predict_keeps_links_in_every_kind_of_table(
    bundle: Path, runs: Path, smm4h, tmp_path: Path
) -> None:
    posts = runs / "tag" / "test"
    for suffix in (".jsonl", ".parquet"):
        ended = smm4h("predict", bundle, posts, tmp_path / f"out{suffix}")
        assert ended.code == 0, ended.err
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    cells = pq.read_table(tmp_path / "out.parquet")["mentions"].to_pylist()
    links = [mention["link"] for line in lines for mention in line["mentions"]]
    assert links
    assert links == [mention["link"] for cell in cells for mention in cell]
    assert {link["concept_id"] for link in links} <= {"C1", "C2", "C3", "C4", "C5"}


def test_evaluate_1c_scores_what_is_found_and_what_is_given(
    bundle: Path, runs: Path, smm4h
) -> None:
    gold = runs / "link" / "test"
    ended = smm4h("evaluate", bundle, "--task", "1c", "--gold", gold, "--json")
    assert ended.code == 0, ended.err
    answered = json.loads(ended.out)
    assert answered["given"]["all"]["acc_1"] == 0.875
    assert answered["given"]["seen"]["n"] == count_mentions(read_annotated(gold, "1c")) - 1
    assert set(answered["found"]) == {"n", "official", "one_to_one", "ece"}
    assert {"found_seen", "found_unseen"} < set(answered)
    assert answered["num_unknown"] == 1
    shown = smm4h("evaluate", bundle, "--task", "1c", "--gold", gold)
    for word in ("official", "of unseen concepts", "acc@5", "found, seen concepts"):
        assert word in shown.out


def test_gate_saves_what_the_classifier_says_is_no_ade(
    bundle: Path, tiny_bundle: Path, runs: Path, smm4h, tmp_path: Path
) -> None:
    ended = smm4h(
        *("bundle", "build", tmp_path / "three", "--classifier", tiny_bundle),
        *("--extractor", bundle, "--linker", bundle),
    )
    assert ended.code == 0, ended.err
    posts = [each.post for each in read_annotated(runs / "tag" / "train", "1b", lang="en")]
    joined = load_bundle(tmp_path / "three")
    part = joined.classifiers["en"]
    probs = [report.ade.prob for report in Pipeline(joined, device=CPU).process(posts)]
    cut = float(np.median(probs))  # a random classifier's own cut would part nothing
    halved = replace(part, rule=replace(part.rule, threshold=cut))
    pipeline = Pipeline(replace(joined, classifiers={"en": halved}), device=CPU)

    free = [say(report) for report in load_pipeline(bundle, device=CPU).process(posts)]
    assert [say(report) for report in pipeline.process(posts, extract_all=True)] == free
    gated = pipeline.process(posts)
    passed = [report.ade.is_ade for report in gated]
    assert set(passed) == {True, False}
    wanted = [found if is_ade else [] for found, is_ade in zip(free, passed, strict=True)]
    assert [say(report) for report in gated] == wanted
    assert wanted != free


def say(report: Report) -> list[tuple[Span, str | None]]:
    assert report.mentions is not None
    return [(each.mention.span, each.mention.concept_id) for each in report.mentions]


def count_mentions(posts: list[AnnotatedPost]) -> int:
    return sum(len(each.mentions) for each in posts)


def test_linker_alone_is_scored_on_gold_mentions_and_predicts_nothing(
    runs: Path, smm4h, tmp_path: Path
) -> None:
    alone, gold = runs / "link/runs/linking/bundle", runs / "link" / "test"
    ended = smm4h("evaluate", alone, "--task", "1c", "--gold", gold, "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["found"] is None
    refused = smm4h("predict", alone, gold, tmp_path / "out.tsv", "--task", "1c")
    assert refused.code == 2
    assert "holds no extractor" in refused.err
    assert "smm4h bundle build" in refused.err


def test_build_refuses_what_does_not_go_together(runs: Path, smm4h, tmp_path: Path) -> None:
    linker = runs / "link/runs/linking/bundle"
    none = smm4h("bundle", "build", tmp_path / "x")
    assert (none.code, "expected a bundle for one of" in none.err) == (1, True)
    other = smm4h("bundle", "build", tmp_path / "x", "--classifier", linker)
    assert other.code == 1
    assert "expected a bundle with a part classifier, got linker" in other.err
    named = smm4h("bundle", "build", tmp_path / "x", "--linker", linker, "--name", "A b")
    assert (named.code, "name: expected" in named.err) == (1, True)
    (tmp_path / "mine").mkdir()
    mine = smm4h("bundle", "build", tmp_path / "mine", "--linker", linker)
    assert (mine.code, "is not a bundle" in mine.err) == (1, True)
    assert not (tmp_path / "x").exists()


def test_link_refuses_a_bundle_without_a_linker(tiny_bundle: Path, smm4h) -> None:
    ended = smm4h("link", tiny_bundle, "my head hurts")
    assert ended.code == 2
    assert "Invalid value for BUNDLE: task 1c needs a bundle with the part linker" in ended.err


def test_link_says_which_concept_and_why(bundle: Path, smm4h) -> None:
    ended = smm4h("link", bundle, "my head hurts", "", "--lang", "en", "--explain", "--json")
    assert ended.code == 0, ended.err
    head, nothing = json.loads(ended.out)
    assert (head["concept_id"], head["name"]) == ("C1", "Headache")
    assert head["explained"].startswith("C1: learned prob")
    assert (nothing["concept_id"], nothing["explained"]) == (None, "NIL: nothing was proposed")
    shown = smm4h("link", bundle, "my head hurts")
    assert "Headache" in shown.out
    refused = smm4h("link", bundle, "голова", "--lang", "ru")
    assert (refused.code, "one of the bundle's languages, en; got ru" in refused.err) == (1, True)


def test_update_lets_a_linker_know_new_terms(
    bundle: Path, runs: Path, smm4h, tmp_path: Path
) -> None:
    old = (runs / "link" / "terms.tsv").read_text()
    (tmp_path / "new.tsv").write_text(old + "C6\tPurple toes\nC6\tviolet toes\n")
    out = tmp_path / "updated"
    said = ("--version", "8", "--terminology", "effects", "--release", "2")
    ended = smm4h("bundle", "update", bundle, tmp_path / "new.tsv", out, *said)
    assert ended.code == 0, ended.err
    assert "linker knows effects@2: 2 terms added, 0 removed, 2 encoded" in ended.out
    assert smm4h("bundle", "verify", out).code == 0
    linked = json.loads(smm4h("link", out, "purple toes", "my head hurts", "--json").out)
    assert [each["concept_id"] for each in linked] == ["C6", "C1"]
    other = smm4h(
        *("bundle", "update", bundle, tmp_path / "new.tsv", tmp_path / "x"),
        *("--version", "8", "--terminology", "other", "--release", "2"),
    )
    assert other.code == 1
    assert "expected a linker to other, got effects@1" in other.err
    assert not (tmp_path / "x").exists()
