"""A client: posts in, reports out, however many; waits when it is asked to wait.

Asking changes nothing at the service, so that whatever fails on the way may be asked again.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, TypeVar

import httpx2
from pydantic import BaseModel, RootModel, ValidationError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_before_delay,
    wait_random_exponential,
)

from serve.limits import Limits
from serve.schemas import BundleOut, LinkOut, LinksOut, ReportOut, ReportsOut
from smm4h_core.errors import Smm4hError
from smm4h_core.types import Lang, Post

TRY_AGAIN = frozenset((408, 429, 500, 502, 503, 504))
"""Statuses after which the same request may succeed; 408 is Ray Serve's own "too slow"."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 10.0


class ServiceError(Smm4hError):
    """The service refused a request, or did not answer; holds status and request id, no post."""


M = TypeVar("M", bound=BaseModel)


class _States(RootModel[list[dict[str, Any]]]):
    """What ``GET /v1/state`` answers."""


class Client:
    """Asks a service; safe to use from one thread at a time."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout_s: float = 60.0,
        patience_s: float = 120.0,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """Connects to nothing yet.

        Args:
            url: Where the service is, as ``http://127.0.0.1:8000``.
            key: What `smm4h keys add` printed; None where none is asked for.
            timeout_s: Seconds for one try.
            patience_s: Seconds for all tries of a request together.
            sleep: Waits.
            transport: Another way to the service, for tests.
        """
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._http = httpx2.Client(
            base_url=url, headers=headers, timeout=timeout_s, transport=transport
        )
        self._patience_s = patience_s
        self._sleep = sleep
        self._limits: Limits | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def limits(self) -> Limits:
        """What a request may be; asked for once."""
        if self._limits is None:
            self._limits = self._ask("GET", "/v1/limits", Limits)
        return self._limits

    def bundle(self) -> BundleOut:
        """The bundle that answers."""
        return self._ask("GET", "/v1/bundle", BundleOut)

    def state(self) -> list[dict[str, Any]]:
        """What the parts hold; wants a key of scope ``admin``."""
        return self._ask("GET", "/v1/state", _States).root

    def process(
        self, posts: Iterable[Post | str], *, extract_all: bool = False
    ) -> Iterator[ReportOut]:
        """Reports in the posts' order.

        Texts alone are called by their places, from 1, in the whole of what is given.

        Raises:
            ServiceError: a post that the service refuses, or no answer within the patience.
        """
        numbered = (
            Post(str(place), post) if isinstance(post, str) else post
            for place, post in enumerate(posts, start=1)
        )
        for batch in self._batches(numbered):
            asked = [
                {"post_id": post.post_id, "text": post.text}
                | ({} if post.lang is None else {"lang": post.lang})
                for post in batch
            ]
            body = {"posts": asked, "extract_all": extract_all}
            yield from self._ask("POST", "/v1/posts", ReportsOut, body).reports

    def link(self, mentions: Sequence[str], *, lang: Lang | None = None) -> list[LinkOut]:
        """A link for each mention.

        Raises:
            ServiceError: as `process`.
        """
        most, links = self.limits().posts, []
        for start in range(0, len(mentions), most):
            asked: list[dict[str, Any]] = [
                {"text": text} if lang is None else {"text": text, "lang": lang}
                for text in mentions[start : start + most]
            ]
            links += self._ask("POST", "/v1/link", LinksOut, {"mentions": asked}).links
        return links

    def _batches(self, posts: Iterable[Post]) -> Iterator[list[Post]]:
        most, most_bytes = self.limits().posts, self.limits().body_bytes // 2
        batch: list[Post] = []
        held = 0
        for post in posts:
            size = 12 * len(post.text) + 200  # at worst a code point is two escapes of six bytes
            if batch and (len(batch) == most or held + size > most_bytes):
                yield batch
                batch, held = [], 0
            batch.append(post)
            held += size
        if batch:
            yield batch

    def _ask(self, method: str, path: str, kind: type[M], body: Any = None) -> M:
        # In ASCII: half of a surrogate pair, which UTF-8 cannot hold, is then its escape.
        content = None if body is None else json.dumps(body, ensure_ascii=True).encode()
        retrying = Retrying(
            retry=retry_if_exception_type(_NotYetError),
            wait=_wait_s,
            stop=stop_before_delay(self._patience_s),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            answer = retrying(self._try, method, path, content)
        except _NotYetError as error:
            raise ServiceError(f"{method} {path}: given up: {error}") from None
        try:
            # A newer service may say more than this client knows of.
            return kind.model_validate_json(answer, extra="ignore")
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise ServiceError(
                f"{method} {path}: expected an answer of this version, got another at {where!r}"
            ) from None

    def _try(self, method: str, path: str, content: bytes | None) -> bytes:
        headers = {} if content is None else {"Content-Type": "application/json"}
        try:
            answer = self._http.request(method, path, content=content, headers=headers)
        except httpx2.TransportError as error:
            raise _NotYetError(type(error).__name__) from None
        if answer.is_success:
            return bytes(answer.content)
        if answer.status_code not in TRY_AGAIN:
            raise ServiceError(f"{method} {path}: {_describe(answer)}")
        raise _NotYetError(_describe(answer), answer.headers.get("retry-after", ""))


class _NotYetError(Exception):
    """A try that failed and may succeed later; its second argument is ``Retry-After``."""

    def __str__(self) -> str:
        return str(self.args[0])


_BACK_OFF = wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S)


def _wait_s(state: RetryCallState) -> float:
    """Seconds until the next try: as asked, a little apart lest all come back at once."""
    error = state.outcome.exception() if state.outcome else None
    asked_for = error.args[1] if isinstance(error, _NotYetError) and error.args[1:] else ""
    if asked_for.isdecimal():
        return int(asked_for) * random.uniform(1.0, 1.25)
    return _BACK_OFF(state)


def _describe(answer: httpx2.Response) -> str:
    """Status, code and request id: the message of a proxy in between might be anything."""
    try:
        error = answer.json()["error"]
        where = ", ".join(f"{d['where']}: {d['what']}" for d in islice(error["details"], 3))
        told = f"{error['code']}, {error['message']}{f' ({where})' if where else ''}"
        return f"{answer.status_code} {told}; request {error['request_id']}"
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code)
