"""Which numbers of a split's scores are shown: one line of labels, two of spans, some of links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Measure:
    """One line about a split."""

    name: str
    """What is measured."""
    n: int
    """Over how many posts, or mentions where concepts are linked."""
    precision: float | None
    """None where the measure has none."""
    recall: float | None
    """None where the measure has none."""
    value: float
    """F1, or the share linked rightly."""
    low: float
    """Lower end of the 95 % interval of ``value``."""
    high: float
    """Upper end."""
    members: Mapping[str, Any] | None = None
    """Mean and spread of the members' own values; None where they were not scored apart."""

    @property
    def words(self) -> str:
        """The line without its members: ``P 0.701, R 0.688, F1 0.694 [0.651, 0.735], n 80``."""
        apart = "" if self.precision is None else f"P {self.precision:.3f}, R {self.recall:.3f}, "
        return f"{apart}{self.name} {self.interval}, n {self.n}"

    @property
    def interval(self) -> str:
        """The value and its interval: ``0.694 [0.651, 0.735]``."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def spread(self) -> str:
        """The members' values: ``0.680 ± 0.012``; blank where they were not scored apart."""
        if self.members is None:
            return ""
        sd = self.members["sd"]
        return f"{self.members['mean']:.3f}" + ("" if sd is None else f" ± {sd:.3f}")

    @property
    def cells(self) -> tuple[str, ...]:
        """Count, name, P, R and value as cells of a table."""
        apart = ("-" if each is None else f"{each:.3f}" for each in (self.precision, self.recall))
        return (str(self.n), self.name, *apart, self.interval)


_WHICH = {"all": "", "seen": ", seen concepts", "unseen": ", unseen concepts", "nil": ", NIL"}
"""Mentions by what training knew of their concept."""


def shown_measures(score: Mapping[str, Any]) -> list[Measure]:
    """Of labels F1; of spans F1, one to one, by strictness; of links accuracy, by part.

    Args:
        score: A split's scores, as ``result.json`` and bundles have them.
    """
    if "linking" in score:
        return _linking_measures(score)
    if "one_to_one" not in score:
        return [_f1("F1", score["n"], score)]
    matches = score["one_to_one"]
    return [_f1(f"{match} F1", score["n"], matches[match]) for match in ("strict", "relaxed")]


def _f1(name: str, n: int, numbers: Mapping[str, Any]) -> Measure:
    low, high = numbers["ci95"]["f1"]
    return Measure(
        name,
        n,
        numbers["precision"],
        numbers["recall"],
        numbers["f1"],
        low,
        high,
        numbers.get("members"),
    )


def _linking_measures(score: Mapping[str, Any]) -> list[Measure]:
    lines = []
    combined = score["linking"]["combined"]
    for which, suffix in _WHICH.items():
        if combined[which]["n"]:
            lines.append(_share(f"acc@1{suffix}", combined[which], "acc_1"))
    lines.append(_share("acc@5", combined["all"], "acc_5"))
    for part, scores in score["linking"].items():
        if part != "combined":
            members = score["members"].get(part)
            lines.append(_share(f"acc@1 of {part}", scores["all"], "acc_1", members))
    return lines


def _share(
    name: str, numbers: Mapping[str, Any], key: str, members: Mapping[str, Any] | None = None
) -> Measure:
    interval = numbers[f"{key}_interval"]
    return Measure(
        name,
        numbers["n"],
        None,
        None,
        numbers[key],
        interval["low"],
        interval["high"],
        members,
    )
