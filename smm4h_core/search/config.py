"""What a search is: frozen, typed, checked at birth, every combination it can draw included."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from smm4h_core.config import NAME_PATTERN, Positive, Section, read_mapping
from smm4h_core.errors import ConfigError
from smm4h_core.search.domains import Domain
from smm4h_core.search.space import TrainingSpace, build_space

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
RuleName = Literal["majority", "mean", "logistic"]
ThresholdName = Literal["fixed", "chosen"]
SubsetName = Literal["all", "top", "greedy"]
PlotFormat = Literal["png", "svg"]


class SearchConfig(Section):
    """A search over how a member is built and trained; every trial trains one member."""

    kind: Literal["training"]
    """Tells this search from the other kind."""
    name: Name
    """Stable name: the same name and storage resume the same search."""
    description: str = ""
    """One line for people."""
    storage: str = "runs"
    """Folder or URI under which everything is written; every node must reach it."""
    base: str
    """The run that is varied: a run's YAML, relative to this file."""
    space: Annotated[dict[str, Domain], Field(min_length=1)]
    """Domains by key path of the run; a domain with ``when`` stands below the keys it asks of."""
    trials: Positive
    """Members trained, the failed and the stopped included."""
    seed: int = 0
    """Of the draws."""
    member_seed: int = 0
    """Of every trial's member; with folds, the member leaves out the first."""
    searcher: Literal["optuna", "random"] = "optuna"
    """``optuna``: tree-structured Parzen estimators, after ``startup_trials`` random draws."""
    startup_trials: Positive = 8
    """Only with ``optuna``."""
    scheduler: Literal["asha", "none"] = "asha"
    """``asha`` stops, at each rung of epochs, a trial that is not among the best there."""
    grace_epochs: Positive = 1
    """Only with ``asha``: the first rung."""
    reduction_factor: Annotated[float, Field(gt=1, allow_inf_nan=False)] = 3.0
    """Only with ``asha``: one trial in so many passes a rung; rungs lie so many times apart."""
    max_concurrent: Positive | None = None
    """Most trials at once; None fills the cluster."""
    attempts: Positive = 3
    """Lives of a trial that its machine or memory may cost before it counts as failed."""
    plots: PlotFormat = "png"
    """Format of the pictures."""

    @model_validator(mode="after")
    def _no_ignored_option(self) -> Self:
        needs = {"startup_trials": "searcher: optuna"}
        needs |= dict.fromkeys(("grace_epochs", "reduction_factor"), "scheduler: asha")
        for key, needed in needs.items():
            owner, value = needed.split(": ")
            if getattr(self, owner) != value and key in self.model_fields_set:
                raise ValueError(f"{key} needs {needed}")
        return self


class EnsembleSearchConfig(Section):
    """A search over ensembles of finished runs' members; nothing is trained."""

    kind: Literal["ensemble"]
    """Tells this search from the other kind."""
    name: Name
    """Name of the folder that it writes."""
    description: str = ""
    """One line for people."""
    storage: str = "runs"
    """Folder or URI under which everything is written."""
    runs: Annotated[tuple[str, ...], Field(min_length=1)]
    """Folders or URIs of runs; an ensemble joins members of one run."""
    split: Literal["dev", "oof"] = "dev"
    """Predictions to choose on: ``oof`` for runs with folds."""
    rules: Annotated[tuple[RuleName, ...], Field(min_length=1)] = ("majority", "mean", "logistic")
    """How members are joined."""
    thresholds: Annotated[tuple[ThresholdName, ...], Field(min_length=1)] = ("chosen",)
    """``fixed`` cuts at 0.5, ``chosen`` at the greatest F1."""
    subsets: Annotated[tuple[SubsetName, ...], Field(min_length=1)] = ("all", "top", "greedy")
    """``top``: the best by their own F1. ``greedy``: forward selection by the F1 of the mean prob,
    as many members as serve it best."""
    sizes: tuple[Positive, ...] | None = None
    """Only with ``top``: how many; None tries every number."""
    folds: Annotated[int, Field(ge=2, strict=True)] = 5
    """Of the cross-validation that scores a candidate, cut by group."""
    seed: int = 0
    """Of the cut."""
    report_test: bool = False
    """Score the winner, and it alone, on the test split."""
    plots: PlotFormat = "png"
    """Format of the pictures."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.sizes is not None and "top" not in self.subsets:
            raise ValueError("sizes needs top among subsets")
        for key in ("runs", "rules", "thresholds", "subsets", "sizes"):
            values = getattr(self, key) or ()
            if len(set(values)) != len(values):
                raise ValueError(f"{key} must differ, got {list(values)}")
        return self


def read_search(
    path: Path, overrides: Sequence[str] = ()
) -> tuple[SearchConfig, TrainingSpace] | EnsembleSearchConfig:
    """Read a search's YAML and, for a search that trains, the run that it varies.

    Raises:
        ConfigError: naming each key path that does not fit; also where a combination that the space
            can draw is no valid run.
    """
    raw = read_mapping(path, overrides)
    kinds: dict[Any, type[SearchConfig | EnsembleSearchConfig]] = {
        "training": SearchConfig,
        "ensemble": EnsembleSearchConfig,
    }
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise ConfigError(f"{path}: kind: expected one of {', '.join(kinds)}, got {kind!r}")
    config = kinds[kind].checked(raw, source=str(path))
    if isinstance(config, EnsembleSearchConfig):
        return config
    base = path.parent / config.base
    space = build_space(config.space, read_mapping(base), source=str(path), base=str(base))
    most_epochs = space.most_epochs()
    if config.scheduler == "asha" and config.grace_epochs >= most_epochs:
        raise ConfigError(
            f"{path}: grace_epochs: expected fewer than the {most_epochs} epochs of a trial, which "
            f"no rung could else cut short, got {config.grace_epochs}"
        )
    return config, space
