from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import results, runs
from benchmarks.results import measure
from benchmarks.section import BenchmarkError
from benchmarks.tfidf import Baseline
from smm4h_core.config import RunConfig, config_from_mapping, read_config
from smm4h_core.evaluation.classification import score_labels
from smm4h_core.members.comparison import RunAnswers

GOLD = np.array([True] * 10 + [False] * 30)


def answers(name: str, num_right: int) -> RunAnswers:
    pred = np.zeros_like(GOLD)
    pred[:num_right] = True
    score = score_labels(GOLD, pred)
    return RunAnswers(
        name=name,
        post_ids=tuple(str(i) for i in range(len(GOLD))),
        groups=tuple(None for _ in GOLD),
        gold=GOLD,
        pred=pred,
        num_members=2,
        scores={
            **{"precision": score.precision, "recall": score.recall, "f1": score.f1},
            "ci95": {"f1": [score.f1 - 0.1, score.f1 + 0.1]},
            "members": {"mean": score.f1 - 0.02, "sd": 0.01},
        },
        synthetic=False,
    )


def config_of(name: str) -> RunConfig:
    return config_from_mapping(
        {
            "name": name,
            "task": "1a",
            "data": {
                "train": [{"path": "x"}],
                "dev": [{"path": "y"}],
                "folds": 5 if name == "rudrec_text" else 1,
            },
            "encoder": {"uri": "x"},
            "training": {"epochs": 1, "learning_rate": 1e-3, "select": "last"},
        }
    )


def test_measure_sets_each_ensemble_beside_the_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> Any:
        if name == "ade2_text":
            raise BenchmarkError("ade2_text is missing")
        return config_of(name), None

    weak = answers("TF-IDF", 2)
    baseline = Baseline(1.0, 0.5, {"dev": weak, "oof": weak, "test": weak})
    monkeypatch.setattr(results, "finished_run", find)
    monkeypatch.setattr(results, "answer_with_tfidf", lambda _: baseline)
    monkeypatch.setattr(results, "read_run", lambda _run, split: answers(split, 10))

    section = measure()

    assert [row[:3] for row in section.rows] == [
        ("PsyTAR", "test", "40 (10)"),
        ("RuDReC", "test", "40 (10)"),
        ("RuDReC", "out of fold", "40 (10)"),
    ]
    assert section.rows[0][4] == "0.980 ± 0.010"
    assert section.missing == ("ade2_text is missing",)
    measured = {verdict.name: verdict.measured for verdict in section.verdicts}
    assert measured["psytar_text.f1"] == 1.0
    assert measured["rudrec_text.gain"] == pytest.approx(0.02)
    assert measured["rudrec_text.difference"] > 0.3
    assert measured["rudrec_text.p"] < 0.05
    assert section.data["lines"][0]["positive"] == 10


def test_finished_run_says_how_to_make_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "psytar_text.yaml"
    config.write_text(Path("tune_configs/embedded/psytar_text.yaml").read_text())
    monkeypatch.setattr(runs, "CONFIGS", tmp_path)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(BenchmarkError, match=r"no finished run; make it with: smm4h train .*yaml"):
        runs.finished_run("psytar_text")


def test_finished_run_refuses_a_run_of_another_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "psytar_text.yaml"
    path.write_text(Path("tune_configs/embedded/psytar_text.yaml").read_text())
    monkeypatch.setattr(runs, "CONFIGS", tmp_path)
    monkeypatch.chdir(tmp_path)
    config = read_config(path)
    run = runs.open_storage("runs").child("psytar_text")
    run.write_json("result.json", {})
    run.write_json("config.json", config.model_dump(mode="json"))

    assert runs.finished_run("psytar_text")[0] == config

    changed = config.training.model_copy(update={"learning_rate": 1.0})
    other = config.model_copy(update={"training": changed})
    run.write_json("config.json", other.model_dump(mode="json"))
    with pytest.raises(BenchmarkError, match="trained under another configuration"):
        runs.finished_run("psytar_text")
