"""A search's pictures: which figures are drawn of it, and where they are put."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import partial
from typing import IO, TYPE_CHECKING

import numpy as np

from smm4h_core.classify.ensemble import combine
from smm4h_core.classify.probability import Prob, prob_from_logit
from smm4h_core.evaluation.thresholds import choose_threshold
from smm4h_core.members.ensemble import Gathered
from smm4h_core.members.predictions import read_predictions
from smm4h_core.members.train import Member, member_storage
from smm4h_core.search.config import EnsembleSearchConfig, PlotFormat, SearchConfig
from smm4h_core.search.domains import Domain
from smm4h_core.search.ensembles import Scored
from smm4h_core.search.figures import (
    Curve,
    draw_importance,
    draw_parallel,
    draw_thresholds,
)
from smm4h_core.search.importance import Dimension, measure_importance
from smm4h_core.search.trials import Trial, trial_storage
from smm4h_core.storage import Storage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_OTHERS = 4
"""Runners-up whose F1 is drawn beside the best one's."""
DPI = 160


def draw_training_search(
    search: Storage,
    config: SearchConfig,
    domains: Mapping[str, Domain],
    trials: Sequence[Trial],
    best: Trial,
) -> tuple[str, ...]:
    """Draw a search over members; return the pictures' paths."""
    dimensions = [_dimension(key, domain, trials) for key, domain in domains.items()]
    finished = sorted(
        (trial for trial in trials if trial.state == "finished"),
        key=lambda trial: (-(trial.dev_f1 or 0.0), trial.number),
    )
    curves = [
        _member_curve(trial_storage(search, trial.number), config.member_seed, trial.number)
        for trial in finished[: MOST_OTHERS + 1]
    ]
    figures = _draw_overview(
        f"{config.name}: {len(trials)} trials",
        dimensions,
        # A failed trial's epochs before it failed are no result.
        [None if trial.state == "failed" else trial.dev_f1 for trial in trials],
        [trial.state for trial in trials],
        best=best.number,
        score_name="dev F1",
        seed=config.seed,
    )
    figures["thresholds"] = draw_thresholds(
        f"{config.name}: one member, dev posts",
        curves[0],
        curves[1:],
        others_label=f"F1 of the next {len(curves) - 1}",
        chosen=choose_threshold(curves[0].gold, curves[0].prob).value,
        note="chosen and scored on the same posts; trials are compared at 0.5",
    )
    return _save(search, figures, config.plots)


def draw_ensemble_search(
    search: Storage,
    config: EnsembleSearchConfig,
    found: Sequence[tuple[str, Gathered, Scored]],
    best: int,
) -> tuple[str, ...]:
    """Draw a search over ensembles, given each candidate's run, posts and score."""
    scored = [each for _, _, each in found]
    dimensions = [
        _choice("run", [name for name, _, _ in found]),
        _choice("rule", [each.candidate.rule for each in scored], config.rules),
        _choice("threshold", [each.candidate.threshold for each in scored], config.thresholds),
        _choice("subset", [each.candidate.subset for each in scored], config.subsets),
        Dimension("members", tuple(len(each.members) for each in scored), "linear"),
    ]
    figures = _draw_overview(
        f"{config.name}: {len(scored)} ensembles",
        dimensions,
        [each.held_out_f1 for each in scored],
        ["finished"] * len(scored),
        best=best,
        score_name="held-out F1",
        seed=config.seed,
    )
    _, gathered, winner = found[best]
    prob = combine(winner.rule, Prob(gathered.probs[:, list(winner.members)])).prob
    members = [
        Curve("a member", gathered.gold, Prob(gathered.probs[:, member]))
        for member in winner.members
    ]
    figures["thresholds"] = draw_thresholds(
        f"{config.name}: the best ensemble, {gathered.split} posts",
        Curve(f"{winner.candidate.rule} of {len(winner.members)}", gathered.gold, prob),
        members,
        others_label="F1 of its members",
        chosen=winner.rule.threshold,
        note="fitted and scored on the same posts, hence flattered: "
        f"held out, its F1 is {winner.held_out_f1:.3f}",
    )
    return _save(search, figures, config.plots)


def _draw_overview(
    title: str,
    dimensions: Sequence[Dimension],
    scores: Sequence[float | None],
    states: Sequence[str],
    *,
    best: int,
    score_name: str,
    seed: int,
) -> dict[str, Figure]:
    figures = {}
    if any(dimension.varies for dimension in dimensions):
        figures["parallel_coordinates"] = draw_parallel(
            title, dimensions, scores, states, best=best, score_name=score_name
        )
    measured = measure_importance(dimensions, scores, seed=seed)
    if measured is not None:
        importances, fit = measured
        num_scores = sum(score is not None for score in scores)
        figures["importance"] = draw_importance(
            f"{title}, what mattered", importances, fit, num_scores
        )
    return figures


def _save(search: Storage, figures: Mapping[str, Figure], kind: PlotFormat) -> tuple[str, ...]:
    from matplotlib import rc_context

    folder = search.child("plots")
    # SVG would else hold the hour and random names: the same search draws the same file.
    metadata = {"Date": None} if kind == "svg" else {}
    for name, figure in figures.items():
        drawn = io.BytesIO()
        with rc_context({"svg.hashsalt": search.root.rpartition("/")[2]}):
            figure.savefig(drawn, format=kind, dpi=DPI, metadata=metadata)
        folder.write(f"{name}.{kind}", partial(_pour, drawn.getvalue()))
    return tuple(f"{folder.root}/{name}.{kind}" for name in figures)


def _pour(content: bytes, stream: IO[bytes]) -> None:
    stream.write(content)


def _dimension(key: str, domain: Domain, trials: Sequence[Trial]) -> Dimension:
    values = tuple(trial.values.get(key) for trial in trials)
    if domain.choice is not None:
        return Dimension(key, values, "choice", tuple(domain.choice))
    return Dimension(key, values, "log" if domain.log_uniform else "linear")


def _choice(name: str, values: Sequence[str], choices: Sequence[str] | None = None) -> Dimension:
    return Dimension(name, tuple(values), "choice", tuple(choices or dict.fromkeys(values)))


def _member_curve(storage: Storage, seed: int, number: int) -> Curve:
    predictions = read_predictions(member_storage(storage, Member(seed)))
    choosing = predictions.get("dev") or predictions["oof"]
    return Curve(f"trial {number}", np.asarray(choosing.gold), prob_from_logit(choosing.logits))
