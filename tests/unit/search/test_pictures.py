from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.image import imread

from smm4h_core.classify.probability import Logit
from smm4h_core.members.predictions import Predictions, write_predictions
from smm4h_core.members.train import Member, member_storage
from smm4h_core.search.config import SearchConfig
from smm4h_core.search.domains import Domain
from smm4h_core.search.pictures import draw_training_search
from smm4h_core.search.trials import State, Trial, trial_storage
from smm4h_core.storage import open_storage

DOMAINS = {
    "training.learning_rate": Domain(log_uniform=(1e-5, 1e-2)),
    "training.oversample": Domain(choice=(False, True)),
    "training.epochs": Domain(choice=(4,)),
}


def draw(folder: Path, kind: str) -> list[Path]:
    search = open_storage(str(folder))
    draws = np.random.default_rng(0)
    states: list[State] = ["finished"] * 8 + ["stopped"] * 3 + ["failed"]
    trials = []
    for number, state in enumerate(states):
        rate = float(10 ** draws.uniform(-5, -2))
        values = {"training.learning_rate": rate, "training.oversample": number % 2 == 0}
        score = None if state == "failed" else 0.8 - 0.1 * abs(np.log10(rate) + 3.5)
        trials.append(Trial(number, values, state, (), score))
        gold = draws.random(60) < 0.4
        logits = Logit(gold * 2.0 - 1 + draws.normal(size=60))
        ids = tuple(map(str, range(60)))
        write_predictions(
            member_storage(trial_storage(search, number), Member(0)),
            [Predictions("dev", ids, ids, gold, logits)],
        )
    config = SearchConfig.model_validate(
        {
            **{"kind": "training", "name": "s", "base": "b", "trials": 12, "plots": kind},
            "space": {key: domain.model_dump(exclude_none=True) for key, domain in DOMAINS.items()},
        }
    )
    return [Path(p) for p in draw_training_search(search, config, DOMAINS, trials, trials[0])]


def test_pictures_of_a_search_are_three_png_files_with_something_on_them(tmp_path: Path) -> None:
    pictures = draw(tmp_path, "png")
    assert [path.name for path in pictures] == [
        *("parallel_coordinates.png", "importance.png", "thresholds.png"),
    ]
    for path in pictures:
        image = imread(path)[:, :, :3]
        assert min(image.shape[:2]) > 300
        inked = (image < 0.95).any(axis=2)
        assert inked.mean() > 0.02
        assert not inked[:, :3].any(), "it is cut off on the left"
        assert not inked[:, -3:].any(), "it is cut off on the right"


def test_pictures_are_the_same_bytes_again(tmp_path: Path) -> None:
    first, again = draw(tmp_path / "s", "svg"), draw(tmp_path / "t" / "s", "svg")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
