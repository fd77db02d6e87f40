"""A client: posts in, reports out, however many; waits when it is asked to wait.

Asking changes nothing at the service, so that whatever fails on the way may be asked again.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import Any

import httpx2

from smm4h_core.errors import Smm4hError
from smm4h_core.types import Lang, Post

TRY_AGAIN = frozenset((408, 429, 500, 502, 503, 504))
"""Statuses after which the same request may succeed; 408 is Ray Serve's own "too slow"."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 10.0


class ServiceError(Smm4hError):
    """The service refused a request, or did not answer; holds status and request id, no post."""


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
        self._limits: Mapping[str, Any] | None = None

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

    def limits(self) -> Mapping[str, Any]:
        """What a request may be, as ``serve.limits.Limits``; asked for once."""
        if self._limits is None:
            self._limits = dict(self._ask("GET", "/v1/limits"))
        return self._limits

    def bundle(self) -> dict[str, Any]:
        """The bundle that answers."""
        return dict(self._ask("GET", "/v1/bundle"))

    def state(self) -> list[dict[str, Any]]:
        """What the parts hold; wants a key of scope ``admin``."""
        return list(self._ask("GET", "/v1/state"))

    def process(
        self, posts: Iterable[Post | str], *, extract_all: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Reports as `smm4h_core.reports.report_to_json` has them, in the posts' order.

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
            yield from self._ask("POST", "/v1/posts", body)["reports"]

    def link(self, mentions: Sequence[str], *, lang: Lang | None = None) -> list[dict[str, Any]]:
        """A link for each mention, as `smm4h_core.reports.link_to_json` has it.

        Raises:
            ServiceError: as `process`.
        """
        most, links = int(self.limits()["posts"]), []
        for start in range(0, len(mentions), most):
            asked: list[dict[str, Any]] = [
                {"text": text} if lang is None else {"text": text, "lang": lang}
                for text in mentions[start : start + most]
            ]
            links += self._ask("POST", "/v1/link", {"mentions": asked})["links"]
        return links

    def _batches(self, posts: Iterable[Post]) -> Iterator[list[Post]]:
        most, most_bytes = int(self.limits()["posts"]), int(self.limits()["body_bytes"]) // 2
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

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        until = time.monotonic() + self._patience_s
        waits = _waits()
        # In ASCII: half of a surrogate pair, which UTF-8 cannot hold, is then its escape.
        content = None if body is None else json.dumps(body, ensure_ascii=True).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        while True:
            wait_s, problem = next(waits), ""
            try:
                answer = self._http.request(method, path, content=content, headers=headers)
            except httpx2.TransportError as error:
                problem = type(error).__name__
            else:
                if answer.is_success:
                    return answer.json()
                problem = _describe(answer)
                if answer.status_code not in TRY_AGAIN:
                    raise ServiceError(f"{method} {path}: {problem}")
                asked_for = answer.headers.get("retry-after", "")
                if asked_for.isdecimal():  # a little apart, lest all come back at once
                    wait_s = int(asked_for) * random.uniform(1.0, 1.25)
            if time.monotonic() + wait_s > until:
                raise ServiceError(f"{method} {path}: given up: {problem}")
            self._sleep(wait_s)


def _waits() -> Iterator[float]:
    wait_s = FIRST_WAIT_S
    while True:
        yield wait_s * random.uniform(0.5, 1.5)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def _describe(answer: httpx2.Response) -> str:
    """Status, code and request id: the message of a proxy in between might be anything."""
    try:
        error = answer.json()["error"]
        where = ", ".join(f"{d['where']}: {d['what']}" for d in islice(error["details"], 3))
        told = f"{error['code']}, {error['message']}{f' ({where})' if where else ''}"
        return f"{answer.status_code} {told}; request {error['request_id']}"
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code)
