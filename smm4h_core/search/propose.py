"""The next trial's values, from what the trials so far came to.

Nothing is kept between two calls: the draw is a function of the seed, the trial's number and the
other trials, so a search that was killed proposes as if it had not been.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from smm4h_core.search.domains import Domain
from smm4h_core.search.trials import Trial

if TYPE_CHECKING:
    import optuna

MOST_DRAWS = 200
"""Draws before a space counts as used up: a trial drawn twice would train the same member."""


def propose(
    domains: Mapping[str, Domain],
    trials: Sequence[Trial],
    *,
    seed: int,
    searcher: Literal["optuna", "random"],
    startup_trials: int,
) -> dict[str, Any] | None:
    """Draw values that no trial has, as trial number ``len(trials)``.

    ``optuna`` models the finished and the stopped trials by their dev F1 with tree-structured
    Parzen estimators (Bergstra et al., NeurIPS 2011), takes open ones for bad, so that parallel
    trials spread, and leaves failed ones out. What was drawn before is drawn again at random.

    Returns:
        Values by key path, or None where ``MOST_DRAWS`` draws brought nothing new.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    known = [trial.values for trial in trials]
    for attempt in range(MOST_DRAWS):
        draw_seed = int(np.random.SeedSequence((seed, len(trials), attempt)).generate_state(1)[0])
        sampler: optuna.samplers.BaseSampler
        if searcher == "random" or attempt:
            sampler = optuna.samplers.RandomSampler(seed=draw_seed)
        else:
            sampler = optuna.samplers.TPESampler(
                seed=draw_seed, n_startup_trials=startup_trials, constant_liar=True
            )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials([frozen for trial in trials if (frozen := _as_optuna(domains, trial))])
        values = _draw(domains, study.ask())
        if values not in known:
            return values
    return None


def _draw(domains: Mapping[str, Domain], ask: optuna.trial.Trial) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, domain in domains.items():
        if domain.holds(values):
            values[key] = _suggest(key, domain, ask)
    return values


def _suggest(key: str, domain: Domain, ask: optuna.trial.Trial) -> Any:
    if domain.choice is not None:
        return ask.suggest_categorical(key, domain.choice)
    if domain.int is not None:
        return ask.suggest_int(key, *domain.int)
    low, high = domain.interval
    return ask.suggest_float(key, low, high, log=domain.log_uniform is not None)


def _distribution(domain: Domain) -> optuna.distributions.BaseDistribution:
    from optuna import distributions

    if domain.choice is not None:
        return distributions.CategoricalDistribution(domain.choice)
    if domain.int is not None:
        return distributions.IntDistribution(*domain.int)
    low, high = domain.interval
    return distributions.FloatDistribution(low, high, log=domain.log_uniform is not None)


def _as_optuna(domains: Mapping[str, Domain], trial: Trial) -> optuna.trial.FrozenTrial | None:
    from optuna.trial import TrialState, create_trial

    states = {
        "open": TrialState.RUNNING,
        # A stopped trial's F1 is of fewer epochs, yet tells more than nothing.
        "finished": TrialState.COMPLETE,
        "stopped": TrialState.COMPLETE,
        "failed": TrialState.FAIL,
    }
    state = states[trial.state]
    return create_trial(
        state=state,
        value=trial.dev_f1 if state is TrialState.COMPLETE else None,
        params=dict(trial.values),
        distributions={key: _distribution(domains[key]) for key in trial.values},
    )
