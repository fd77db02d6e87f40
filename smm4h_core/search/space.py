"""From drawn values to runs: the space of a search around its base run."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from smm4h_core.config import RunConfig, config_from_mapping, training_digest
from smm4h_core.errors import ConfigError
from smm4h_core.search.domains import Domain

SECTIONS = ("text", "encoder", "molecules", "network", "training")
"""What a search may vary: other sections change what is measured, or nothing in a member."""
MOST_CORNERS = 4096
"""Combinations of extreme values that are tried at birth, a second's work; of more, so many drawn
at random: the first would hold one value alone of the first keys."""
EPOCHS = "training.epochs"


@dataclass(frozen=True, slots=True)
class TrainingSpace:
    """Domains around a base run; every combination of their extremes is a valid run."""

    domains: Mapping[str, Domain]
    """By key path, in the order in which they are drawn."""
    base: Mapping[str, Any]
    """The base run as its file has it."""
    source: str
    """The search's file, for errors."""

    def run_config(self, values: Mapping[str, Any]) -> RunConfig:
        """The base run with these values by key path.

        Raises:
            ConfigError: the values do not make a valid run.
        """
        raw = copy.deepcopy(dict(self.base))
        for key, value in values.items():
            _set(raw, key.split("."), value)
        drawn = ", ".join(f"{key}={value}" for key, value in values.items())
        return config_from_mapping(raw, source=f"{self.source} with {drawn}")

    def corners(self) -> Iterator[dict[str, Any]]:
        """Combinations of extreme values, each key where its ``when`` is met."""
        pending: list[dict[str, Any]] = [{}]
        for key, domain in self.domains.items():
            pending = [
                {**values, key: value} if domain.holds(values) else values
                for values in pending
                for value in (domain.extremes if domain.holds(values) else (None,))
            ]
            if len(pending) > MOST_CORNERS:
                kept = random.Random(0).sample(range(len(pending)), MOST_CORNERS)
                pending = [pending[place] for place in sorted(kept)]
        yield from pending

    def most_epochs(self) -> int:
        """Epochs of the longest trial."""
        most = [self.run_config({}).training.epochs]
        if (domain := self.domains.get(EPOCHS)) is not None:
            most = [*domain.extremes, *(most if domain.when else ())]
        return max(most)


def build_space(
    domains: Mapping[str, Domain], base_run: Mapping[str, Any], *, source: str, base: str
) -> TrainingSpace:
    """Check a space against its base run.

    Args:
        domains: Domains by key path.
        base_run: The base run as its file has it.
        source: The search's file, for errors.
        base: The base run's file, for errors.

    Raises:
        ConfigError: a key path that no run has or that changes no member, a ``when`` that cannot be
            met, or a combination of extreme values that is no valid run.
    """
    config_from_mapping(base_run, source=base)
    for place, (key, domain) in enumerate(domains.items()):
        where = f"{source}: space.{key}"
        _refuse_unknown(key, where)
        earlier = list(domains)[:place]
        for parent, allowed in (domain.when or {}).items():
            _refuse_unmet(parent, allowed, earlier, domains, f"{where}.when")
    space = TrainingSpace(domains, base_run, source)
    _refuse_invalid_corners(space)
    for key in domains:
        _refuse_without_effect(space, key)
    return space


def _refuse_unknown(key: str, where: str) -> None:
    section, *_ = key.split(".")
    if section not in SECTIONS:
        raise ConfigError(f"{where}: expected a key of {', '.join(SECTIONS)}, got {key!r}")
    model: type[BaseModel] | None = RunConfig
    for part in key.split("."):
        if model is None or part not in model.model_fields:
            known = ", ".join(model.model_fields) if model else "no key below a value"
            raise ConfigError(f"{where}: a run has no key {part!r} there; it has {known}")
        model = _section_of(model.model_fields[part].annotation)
    if model is not None:
        raise ConfigError(f"{where}: expected a single key, got the section {key!r}")


def _section_of(annotation: Any) -> type[BaseModel] | None:
    options = getattr(annotation, "__args__", (annotation,))
    sections = [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]
    return sections[0] if sections else None


def _refuse_unmet(
    parent: str,
    allowed: tuple[Any, ...],
    earlier: list[str],
    domains: Mapping[str, Domain],
    where: str,
) -> None:
    if parent not in earlier:
        raise ConfigError(f"{where}: expected a key that stands above it, got {parent!r}")
    choices = domains[parent].choice
    if choices is None:
        raise ConfigError(f"{where}: {parent!r} must be a choice to be asked of")
    if unknown := [value for value in allowed if value not in choices]:
        raise ConfigError(f"{where}.{parent}: expected some of {list(choices)}, got {unknown[0]!r}")


def _refuse_invalid_corners(space: TrainingSpace) -> None:
    num_corners, problems = 0, []
    for values in space.corners():
        num_corners += 1
        try:
            space.run_config(values)
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError(
            f"{space.source}: space: {len(problems)} of {num_corners} combinations of extreme "
            f"values are no valid run; narrow a domain, or draw a key only `when` another has a "
            f"value. The first:\n{problems[0]}"
        )


def _refuse_without_effect(space: TrainingSpace, key: str) -> None:
    extremes = space.domains[key].extremes
    inside = next((values for values in space.corners() if key in values), None)
    if inside is None:
        raise ConfigError(f"{space.source}: space.{key}.when: no combination meets it")
    digests = set()
    for value in extremes:
        try:
            digests.add(training_digest(space.run_config({**inside, key: value})))
        except ConfigError:  # another key of this corner goes with the old value alone
            return
    if len(digests) < len(extremes):
        raise ConfigError(f"{space.source}: space.{key}: its values train the same member")


def _set(raw: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, last = path
    for parent in parents:
        raw[parent] = dict(raw.get(parent) or {})
        raw = raw[parent]
    raw[last] = value
