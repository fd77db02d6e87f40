from __future__ import annotations

import math
from typing import Any, Literal

import pytest

from smm4h_core.search.domains import Domain
from smm4h_core.search.propose import propose
from smm4h_core.search.trials import State, Trial

RATE = {"rate": Domain(log_uniform=(1e-5, 1e-1))}
TREE = {
    "fusion": Domain(choice=("text", "concat")),
    "pooling": Domain(choice=("mean", "max"), when={"fusion": ("concat",)}),
    "layers": Domain(int=(1, 3)),
    "dropout": Domain(uniform=(0.0, 0.5)),
    "clip": Domain(choice=(1.0, None, False)),
}


def draw(
    domains: dict[str, Domain],
    trials: list[Trial],
    *,
    searcher: Literal["optuna", "random"] = "optuna",
    seed: int = 0,
) -> dict[str, Any] | None:
    return propose(domains, trials, seed=seed, searcher=searcher, startup_trials=4)


def search(
    domains: dict[str, Domain], num_trials: int, *, state: State = "finished", **options: Any
) -> list[Trial]:
    trials: list[Trial] = []
    for number in range(num_trials):
        values = draw(domains, trials, **options)
        assert values is not None
        score = 1 - abs(math.log10(values["rate"]) + 3) / 4 if "rate" in values else 0.5
        trials.append(Trial(number, values, state, (), score))
    return trials


def test_propose_draws_within_the_domains_and_only_where_when_is_met() -> None:
    for trial in search(TREE, 20):
        values = trial.values
        assert ("pooling" in values) == (values["fusion"] == "concat")
        assert values["layers"] in (1, 2, 3)
        assert 0 <= values["dropout"] <= 0.5
        assert values["clip"] in (1.0, None, False)


def test_propose_is_a_function_of_seed_and_trials() -> None:
    first, again = search(RATE, 12), search(RATE, 12)
    assert first == again
    assert draw(RATE, first[:6]) == first[6].values  # as after a kill
    assert search(RATE, 3, seed=1) != first[:3]


@pytest.mark.parametrize("state", ["finished", "stopped"])
def test_propose_learns_from_scores_where_random_does_not(state: State) -> None:
    def far(searcher: Literal["optuna", "random"]) -> float:
        late = [
            trial
            for seed in range(3)
            for trial in search(RATE, 40, searcher=searcher, seed=seed, state=state)[20:]
        ]
        return sum(abs(math.log10(trial.values["rate"]) + 3) for trial in late) / len(late)

    assert far("optuna") < 0.5 * far("random")


def test_propose_leaves_failed_trials_out() -> None:
    trials = search(RATE, 8)
    failed = [Trial(8, {"rate": 1e-3}, "failed", (), 0.99)]
    nothing = [Trial(8, {"rate": 1e-3}, "failed")]
    assert draw(RATE, trials + failed) == draw(RATE, trials + nothing)


def test_propose_never_draws_the_same_values_twice_and_says_when_none_is_left() -> None:
    domains = {"a": Domain(choice=(1, 2)), "b": Domain(choice=(False, True))}
    trials = search(domains, 4)
    assert len({tuple(trial.values.items()) for trial in trials}) == 4
    assert draw(domains, trials) is None
