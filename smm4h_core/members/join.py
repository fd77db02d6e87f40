"""Members of a run become its ensemble, whatever the task: rule, answers and scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from smm4h_core.config import RunConfig, Task
from smm4h_core.members.data import RunPosts
from smm4h_core.members.ensemble import fit_ensemble, write_ensemble
from smm4h_core.members.link_ensemble import fit_link_ensemble, write_link_ensemble
from smm4h_core.members.span_ensemble import fit_span_ensemble, write_span_ensemble
from smm4h_core.storage import Storage

Join = Callable[[RunConfig, RunPosts, Storage, Storage, Sequence[int]], dict[str, Any]]


def join_members(
    config: RunConfig, posts: RunPosts, home: Storage, run: Storage, seeds: Sequence[int]
) -> dict[str, Any]:
    """Fit the run's rule to stored answers; write answers and scores below the run.

    Args:
        config: The run.
        posts: Its posts.
        home: Where its members are.
        run: Where its results go.
        seeds: Seeds of which every member is trained.

    Returns:
        What is written as ``result.json``: ``seeds``, ``rule``, and scores by split.

    Raises:
        TrainingError: if there is no seed to join.
        DataError: members that answered different posts.
    """
    return JOINS[config.task](config, posts, home, run, seeds)


def _join_labels(
    config: RunConfig, posts: RunPosts, home: Storage, run: Storage, seeds: Sequence[int]
) -> dict[str, Any]:
    ensemble = fit_ensemble(config.ensemble, home, seeds, config.data.folds)
    return write_ensemble(ensemble, run, lang_of=posts.lang_of)


def _join_spans(
    config: RunConfig, posts: RunPosts, home: Storage, run: Storage, seeds: Sequence[int]
) -> dict[str, Any]:
    ensemble = fit_span_ensemble(config, posts, home, seeds)
    return write_span_ensemble(ensemble, run, lang_of=posts.lang_of)


def _join_links(
    config: RunConfig, posts: RunPosts, home: Storage, run: Storage, seeds: Sequence[int]
) -> dict[str, Any]:
    return write_link_ensemble(fit_link_ensemble(config, posts, home, seeds), run)


JOINS: Mapping[Task, Join] = MappingProxyType(
    {"1a": _join_labels, "1b": _join_spans, "1c": _join_links, "2": _join_labels}
)
