import json
from pathlib import Path

import pytest

from smm4h_core.corpora.sample import sample_split
from smm4h_core.evaluation.served import score_reports
from smm4h_core.pipeline import load_pipeline


@pytest.fixture
def gold(smm4h, tmp_path: Path) -> Path:
    assert smm4h("data", "sample", tmp_path / "sample").code == 0
    return tmp_path / "sample" / "en" / "dev"


def test_evaluate_prints_scores_with_intervals(smm4h, tiny_bundle: Path, gold: Path) -> None:
    ended = smm4h("evaluate", tiny_bundle, "--task", "1a", "--gold", gold, "--json")

    assert ended.code == 0
    answered = json.loads(ended.out)
    posts = sample_split("en", "dev")
    reports = load_pipeline(tiny_bundle).process([each.post for each in posts])
    assert answered == {
        "bundle": "tiny@1",
        "task": "1a",
        "gold": str(gold),
        **score_reports(posts, reports).to_json(),
    }
    assert answered["n"] == 80
    low, high = answered["ci95"]["f1"]
    assert low < answered["f1"] < high


def test_evaluate_prints_a_table(smm4h, tiny_bundle: Path, gold: Path) -> None:
    ended = smm4h("evaluate", tiny_bundle, "--task", "1a", "--gold", gold)

    assert ended.code == 0
    for word in ("tiny@1", "80 posts", "precision", "recall", "f1", "average precision", "ECE"):
        assert word in ended.out


def test_evaluate_refuses_gold_without_texts(smm4h, tiny_bundle: Path, gold: Path) -> None:
    ended = smm4h("evaluate", tiny_bundle, "--task", "1a", "--gold", gold / "class.tsv")

    assert ended.code == 1
    assert "class.tsv:1: expected posts' texts in a column tweet" in ended.err


def test_evaluate_refuses_spans_of_a_bundle_without_an_extractor(
    smm4h, tiny_bundle: Path, gold: Path
) -> None:
    ended = smm4h("evaluate", tiny_bundle, "--task", "1b", "--gold", gold)

    assert ended.code == 2
    assert "no extractor" in ended.err
