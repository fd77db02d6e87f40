"""What a request may be; beyond it the answer says so, and costs next to nothing."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Limits(BaseModel):
    """Bounds of requests, all of them told by ``GET /v1/limits``."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )

    posts: Annotated[int, Field(ge=1, le=1024)] = 64
    """Posts, or mentions, in a request."""
    post_chars: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Code points of a post."""
    mention_chars: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Code points of a mention given as a string."""
    id_chars: Annotated[int, Field(ge=1, le=1000)] = 128
    """Code points of a post's identifier."""
    body_bytes: Annotated[int, Field(ge=1024, le=64 << 20)] = 2 << 20
    """Bytes of a request's body."""
    in_flight: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Requests that one ingress replica answers at a time; more are refused with 429."""
    retry_after_s: Annotated[int, Field(ge=1, le=3600)] = 1
    """The fewest seconds that a refused client is asked to wait."""
    retry_after_most_s: Annotated[int, Field(ge=1, le=3600)] = 30
    """The most: each refused client is told a turn of its own, at the pace of the answers."""
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """Seconds until a request is given up with 504."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.retry_after_most_s < self.retry_after_s:
            raise ValueError(
                f"retry_after_most_s: expected at least retry_after_s, {self.retry_after_s}; "
                f"got {self.retry_after_most_s}"
            )
        return self
