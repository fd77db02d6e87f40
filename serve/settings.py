"""What a file for Ray Serve says: the builder's ``args`` and the deployments' ``user_config``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serve.limits import Limits
from smm4h_core.errors import ConfigError
from smm4h_core.types import Lang

Kind = Literal["classifier", "extractor", "linker"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class RuleChanges(_Strict):
    """Numbers of a part's rule that replace the bundle's; None leaves the bundle's."""

    threshold: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """Cut on prob of a classifier or a learned linker, on the distance of the other linker."""
    min_votes: int | None = None
    """Members that must say a span, of an extractor that votes."""
    outside_bias: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """Added to the logits of ``O``, of an extractor that takes the mean."""


class PartSettings(_Strict):
    """``user_config`` of a part's deployment; a change takes effect without a restart."""

    bundle: Path | None = None
    """The bundle to answer with; None stays with the one that the application was built with."""
    sha256: str | None = None
    """The digest in its manifest, where the folder's content may change under one name: one that is
    held already is taken from memory, and another one in the folder is refused."""
    batch_chars: Annotated[int, Field(ge=1, le=10_000_000)] = 16_384
    """Code points of the posts that are answered together; a request is never cut in two."""
    batch_wait_s: Annotated[float, Field(ge=0, le=1)] = 0.002
    """Seconds that the first post of a batch waits for others."""
    rule: RuleChanges = RuleChanges()
    """Changes to how the members are joined, in every language."""
    rule_of: dict[Lang, RuleChanges] = {}
    """Changes for one language alone, which stand before those of ``rule``."""

    def changes(self, lang: Lang) -> dict[str, float]:
        """The numbers of the rule that are replaced for a language."""
        own = self.rule_of.get(lang, RuleChanges())
        return {
            **self.rule.model_dump(exclude_none=True),
            **own.model_dump(exclude_none=True),
        }


class FrontSettings(_Strict):
    """``user_config`` of the ingress."""

    bundle: Path | None = None
    """As in `PartSettings`; the ingress asks the parts for the bundle that it holds itself."""
    sha256: str | None = None
    """As in `PartSettings`."""
    limits: Limits | None = None
    """What a request may be; None leaves the builder's."""


S = TypeVar("S", bound=_Strict)


def read_settings(kind: type[S], told: Mapping[str, Any]) -> S:
    """A ``user_config`` as what it is meant for.

    Raises:
        ConfigError: naming each key that is unknown or wrong.
    """
    try:
        return kind.model_validate(dict(told))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        )
        raise ConfigError(f"user_config: {wrong}") from None


class Args(_Strict):
    """``args`` of `serve.app.build_app`; a change restarts all replicas."""

    bundle: Path
    """The bundle to begin with; its kinds of parts are what is deployed."""
    keys: Path | None = None
    """File of hashed keys that `smm4h keys add` writes."""
    auth: bool = True
    """False asks for no key: only for an address that no other machine can reach."""
    limits: Limits = Limits()
    """What a request may be, unless the ingress's ``user_config`` says otherwise."""
