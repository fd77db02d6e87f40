"""What goes wrong over HTTP: one envelope for all of it, which never holds what was sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

Code = Literal[
    "empty", "unauthorised", "forbidden", "not_found", "method_not_allowed", "too_large", "invalid",
    "overloaded", "internal", "not_ready", "too_slow",
]  # fmt: skip
STATUS: dict[Code, int] = dict(
    zip(get_args(Code), (400, 401, 403, 404, 405, 413, 422, 429, 500, 503, 504), strict=True)
)
"""The status of each code."""


class Detail(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    where: str
    """The field, as ``posts.3.text``; names that the interface does not know are left out."""
    what: str
    """What was expected there."""


class Problem(BaseModel):
    """Why a request was not answered."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    code: Code
    """What programs look at."""
    message: str
    """What people read."""
    request_id: str
    """The answer's ``X-Request-ID``, for whoever searches the logs."""
    details: list[Detail] = []
    """What is wrong with which field, where the request is invalid."""


class ErrorEnvelope(BaseModel):
    """The body of every answer that is no success."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    error: Problem
    """The problem."""


class RequestError(Exception):
    """A request that is refused or has failed."""

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        details: Sequence[Detail] = (),
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code: Code = code
        """Which kind."""
        self.message = message
        """What people read; never anything that was sent."""
        self.details = tuple(details)
        """Field by field."""
        self.retry_after_s = retry_after_s
        """Seconds to wait before asking again; None where asking again is no use."""

    def response(self, request_id: str) -> Response:
        """The answer that tells of it."""
        problem = Problem(
            code=self.code,
            message=self.message,
            request_id=request_id,
            details=list(self.details),
        )
        headers = {"X-Request-ID": request_id, **self.headers()}
        return json_response({"error": problem.model_dump()}, STATUS[self.code], headers)

    def headers(self) -> dict[str, str]:
        """What HTTP has headers for."""
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        if self.code == "unauthorised":
            headers["WWW-Authenticate"] = "Bearer"
        return headers


def json_response(
    content: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """JSON in ASCII: half an emoji, which UTF-8 cannot hold, is then written as its escape."""
    body = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Response(body, status, headers, "application/json")
