from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from smm4h_core.errors import ConfigError
from smm4h_core.search.config import EnsembleSearchConfig, SearchConfig, read_search
from smm4h_core.search.space import TrainingSpace

BASE: dict[str, Any] = {
    "name": "base",
    "task": "1a",
    "data": {"train": [{"path": "a"}], "dev": [{"path": "b"}]},
    "encoder": {"uri": "./folder"},
    "training": {"epochs": 4, "learning_rate": 1e-4},
}
RATE = {"training.learning_rate": {"log_uniform": [1e-5, 1e-3]}}
FUSION = {"network.fusion": {"choice": ["text", "concat"]}}
WHEN = {"network.fusion": ["concat"]}


def write(folder: Path, **keys: Any) -> Path:
    search = {"kind": "training", "name": "s", "base": "base.yaml", "space": RATE, "trials": 3}
    (folder / "base.yaml").write_text(yaml.safe_dump(BASE))
    path = folder / "search.yaml"
    path.write_text(yaml.safe_dump({**search, **keys}, sort_keys=False))
    return path


def read_training(path: Path, *overrides: str) -> tuple[SearchConfig, TrainingSpace]:
    found = read_search(path, overrides)
    assert isinstance(found, tuple)
    return found


def test_read_search_makes_runs_of_drawn_values(tmp_path: Path) -> None:
    molecules = {"molecules.uri": {"choice": ["morgan:512"], "when": WHEN}}
    _, space = read_training(write(tmp_path, space={**RATE, **FUSION, **molecules}))
    run = space.run_config(
        {
            "training.learning_rate": 2e-4,
            "network.fusion": "concat",
            "molecules.uri": "morgan:512",
        }
    )
    assert (run.training.learning_rate, run.training.epochs) == (2e-4, 4)
    assert run.molecules is not None
    assert run.molecules.uri == "morgan:512"
    assert space.run_config({}).molecules is None
    assert space.most_epochs() == 4


def test_read_search_applies_overrides(tmp_path: Path) -> None:
    config, _ = read_training(write(tmp_path), "trials=7", "storage=elsewhere")
    assert (config.trials, config.storage) == (7, "elsewhere")


def test_corners_draw_a_key_only_where_its_when_is_met(tmp_path: Path) -> None:
    molecules = {
        "molecules.uri": {"choice": ["morgan:512"], "when": WHEN},
        "molecules.pooling": {"choice": ["mean", "max"], "when": WHEN},
    }
    _, space = read_training(write(tmp_path, space={**FUSION, **molecules}))
    assert list(space.corners()) == [
        {"network.fusion": "text"},
        {"network.fusion": "concat", "molecules.uri": "morgan:512", "molecules.pooling": "mean"},
        {"network.fusion": "concat", "molecules.uri": "morgan:512", "molecules.pooling": "max"},
    ]


def test_corners_of_a_large_space_hold_both_ends_of_every_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smm4h_core.search.space.MOST_CORNERS", 64)
    numbers = ("dropout", "head_rate_factor", "layer_rate_decay", "clip_norm", "learning_rate")
    keys = [f"{'network' if key == 'dropout' else 'training'}.{key}" for key in numbers]
    batch = {"training.batch_tokens": {"int": [256, 512]}, "encoder.max_length": {"int": [32, 64]}}
    space = {
        "training.epochs": {"int": [3, 9]},
        **{key: {"uniform": [0.1, 0.5]} for key in keys},
        **batch,
    }
    _, built = read_training(write(tmp_path, space=space))
    corners = list(built.corners())
    assert len(corners) == 64
    for key, domain in built.domains.items():
        assert {corner[key] for corner in corners} == set(domain.extremes)
    assert built.most_epochs() == 9  # the first 64 would all have 3, and ASHA would stop all there


def test_most_epochs_are_the_base_s_where_the_key_is_not_drawn(tmp_path: Path) -> None:
    epochs = {"training.epochs": {"choice": [2, 3], "when": {"network.fusion": ["concat"]}}}
    molecules = {"molecules.uri": {"choice": ["morgan:512"], "when": WHEN}}
    _, space = read_training(write(tmp_path, space={**FUSION, **molecules, **epochs}))
    assert space.most_epochs() == 4


@pytest.mark.parametrize(
    ("space", "says"),
    [
        ({"training.rate": {"choice": [1]}}, r"space.training.rate: a run has no key 'rate'"),
        ({"training.epochs.x": {"choice": [1]}}, "no key 'x' there; it has no key below a value"),
        ({"training": {"choice": [1]}}, "expected a single key, got the section 'training'"),
        ({"ensemble.rule": {"choice": ["mean"]}}, "space.ensemble.rule: expected a key of text,"),
        ({"data.folds": {"int": [1, 2]}}, "space.data.folds: expected a key of text, encoder"),
        ({"network.dropout": {}}, "space.network.dropout: .*give one of .*got none"),
        (
            {"network.dropout": {"uniform": [0, 0.5], "choice": [0.1]}},
            "give one of .*got choice, uniform",
        ),
        ({"network.dropout": {"uniform": [0.5, 0.1]}}, r"uniform: expected \[low, high\]"),
        ({"network.dropout": {"choice": [0.1, 0.1]}}, "choice: values must differ"),
        ({"training.learning_rate": {"log_uniform": [0, 1]}}, "log_uniform.0: .*greater than 0"),
        (
            {"network.dropout": {"uniform": [0.1, 1.5]}},
            r"1 of 2 combinations of extreme values are no valid run;"
            r"[^$]*with network.dropout=1.5: 1 key\(s\) do not fit\n  network.dropout: .*got 1.5",
        ),
        (FUSION, "1 of 2 combinations .*draw a key only `when` another has a value"),
        (
            {"molecules.uri": {"choice": ["morgan:512"], "when": WHEN}, **FUSION},
            "molecules.uri.when: expected a key that stands above it, got 'network.fusion'",
        ),
        (
            {**FUSION, "molecules.uri": {"choice": ["x"], "when": {"network.fusion": ["gatd"]}}},
            r"when.network.fusion: expected some of \['text', 'concat'\], got 'gatd'",
        ),
        (
            {
                **RATE,
                "network.dropout": {"choice": [0.1], "when": {"training.learning_rate": [1e-4]}},
            },
            "'training.learning_rate' must be a choice to be asked of",
        ),
        (
            {"training.checkpoint_steps": {"choice": [10, 20]}},
            "space.training.checkpoint_steps: its values train the same member",
        ),
    ],
)
def test_read_search_refuses_a_space_with_the_key_path(
    tmp_path: Path, space: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=f"(?s){says}"):
        read_search(write(tmp_path, space=space))


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"kind": "both"}, "kind: expected one of training, ensemble, got 'both'"),
        ({"trials": 0}, "trials: .*got 0"),
        ({"colour": 1}, "colour: no such key"),
        ({"searcher": "random", "startup_trials": 3}, "startup_trials needs searcher: optuna"),
        ({"scheduler": "none", "grace_epochs": 2}, "grace_epochs needs scheduler: asha"),
        ({"grace_epochs": 4}, "grace_epochs: expected fewer than the 4 epochs of a trial"),
        ({"base": "none.yaml"}, r"none\.yaml: no such configuration file"),
    ],
)
def test_read_search_refuses_what_does_not_fit(
    tmp_path: Path, keys: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        read_search(write(tmp_path, **keys))


def test_read_search_refuses_a_base_that_is_no_run(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "base.yaml").write_text("name: base")
    with pytest.raises(ConfigError, match=r"base\.yaml: 4 key\(s\) do not fit"):
        read_search(path)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"runs": []}, "runs: "),
        ({"runs": ["a", "a"]}, "runs must differ"),
        ({"runs": ["a"], "subsets": ["all"], "sizes": [2]}, "sizes needs top among subsets"),
        ({"runs": ["a"], "folds": 1}, "folds: .*got 1"),
        ({"runs": ["a"], "rules": ["median"]}, "rules.0: .*got 'median'"),
    ],
)
def test_read_search_refuses_an_ensemble_search_that_does_not_fit(
    tmp_path: Path, keys: dict[str, Any], says: str
) -> None:
    path = tmp_path / "search.yaml"
    path.write_text(yaml.safe_dump({"kind": "ensemble", "name": "e", **keys}))
    with pytest.raises(ConfigError, match=says):
        read_search(path)


def test_read_search_tells_the_kinds_apart(tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text("kind: ensemble\nname: e\nruns: [runs/a]\n")
    assert isinstance(read_search(path), EnsembleSearchConfig)
