"""What one key of a run may become in a search."""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeAlias

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from smm4h_core.config import Section

Value: TypeAlias = StrictBool | StrictInt | StrictFloat | StrictStr | None
"""What a key may be set to."""
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Domain(Section):
    """The values of one key: exactly one of the four kinds."""

    choice: Annotated[tuple[Value, ...], Field(min_length=1)] | None = None
    """One of these; a single one is a fixed value."""
    uniform: tuple[Finite, Finite] | None = None
    """A number between two."""
    log_uniform: tuple[Annotated[Finite, Field(gt=0)], Finite] | None = None
    """A number between two, its logarithm uniform."""
    int: tuple[StrictInt, StrictInt] | None = None
    """A whole number, ends included."""
    when: dict[str, Annotated[tuple[Value, ...], Field(min_length=1)]] | None = None
    """Drawn only where these keys have one of these values; else the run keeps its own."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = ("choice", "uniform", "log_uniform", "int")
        given = [kind for kind in kinds if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of {', '.join(kinds)}, got {', '.join(given) or 'none'}")
        if self.choice is None:
            low, high = self.interval
            if not low < high:
                raise ValueError(f"{given[0]}: expected [low, high] with low < high")
        elif len({repr(value) for value in self.choice}) != len(self.choice):
            raise ValueError(f"choice: values must differ, got {list(self.choice)}")
        return self

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of a domain of numbers."""
        interval = self.uniform or self.log_uniform or self.int
        assert interval is not None, "a choice has no ends"
        return interval

    @property
    def extremes(self) -> tuple[Any, ...]:
        """All of a choice, else the two ends."""
        return self.interval if self.choice is None else self.choice

    def holds(self, values: dict[str, Any]) -> bool:
        """Whether ``when`` is met by the values drawn before."""
        return all(
            key in values and any(_same(values[key], wanted) for wanted in allowed)
            for key, allowed in (self.when or {}).items()
        )


def _same(value: object, wanted: object) -> bool:
    return type(value) is type(wanted) and value == wanted
