"""What stands before every route: who asks, how much, how many at a time, for how long."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.faults import RequestError
from serve.service import Service
from smm4h_core.access_keys import Scope as KeyScope
from smm4h_core.access_keys import find_key

COOKIE = "smm4h_key"
"""Carries the key of whoever signed in on the page; routes of the interface do not read it."""
PUBLIC = frozenset((("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/"), ("POST", "/session")))
"""All that is answered without a key."""
SCOPE_OF: Mapping[str, KeyScope] = {
    "/": "predict",
    "/metrics": "metrics",
    "/v1/state": "admin",
    "/v1/posts": "predict",
    "/v1/classify": "predict",
    "/v1/extract": "predict",
    "/v1/link": "predict",
    "/v1/bundle": "predict",
    "/v1/limits": "predict",
    "/openapi.json": "predict",
}
"""What a key must allow; a path that stands neither here nor in `PUBLIC` wants ``admin``."""
ROUTES = frozenset((*SCOPE_OF, *(path for _, path in PUBLIC)))
ANSWERING = frozenset((("POST", "/"), *(("POST", p) for p in SCOPE_OF if p.startswith("/v1/"))))
"""Routes that cost something: they are bounded in number and in time."""
FORMS = frozenset((("POST", "/"), ("POST", "/session")))
"""What a person sends from the page: a fault is told on the page again, with what was typed."""
FaultPage: TypeAlias = Callable[[RequestError, str, bytes, str], Response]
"""A fault, the form's path, its body and the request's id to the page that tells of it."""
BODY_WAIT_S = 20.0
"""Seconds for a whole body to arrive."""
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_log = logging.getLogger("smm4h.serve")


class Guard:
    """Wraps the routes; whatever goes wrong inside becomes one envelope."""

    def __init__(self, app: ASGIApp, service: Service, fault_page: FaultPage) -> None:
        self._app = app
        self._service = service
        self._fault_page = fault_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # a websocket is refused by not being accepted
        request_id, started = uuid4().hex, time.perf_counter()
        route = scope["path"] if scope["path"] in ROUTES else "other"
        status = 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=message["headers"])
                headers.update({**SECURITY_HEADERS, "X-Request-ID": request_id})
                total = f"total;dur={1000 * (time.perf_counter() - started):.1f}"
                others = headers.get("Server-Timing")
                headers["Server-Timing"] = f"{others}, {total}" if others else total
                message["headers"] = headers.raw
            await send(message)

        scope.setdefault("state", {})["request_id"] = request_id
        try:
            await self._admit(scope, receive, told)
        except RequestError as fault:
            if not status:
                await self._tell(fault, scope)(scope, receive, told)
        except Exception as error:
            # Its words may hold a post: the log gets its kind and its place.
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(last.filename).name}:{last.lineno}"
            _log.error("request %s: %s at %s", request_id, type(error).__name__, place)
            if not status:
                failed = RequestError("internal", "something failed; the log has this id")
                await self._tell(failed, scope)(scope, receive, told)
        finally:
            seconds = time.perf_counter() - started
            self._service.metrics.count_request(route, status or 499, seconds)

    def _tell(self, fault: RequestError, scope: Scope) -> Response:
        state = scope["state"]
        if (scope["method"], scope["path"]) in FORMS:
            body = state.get("body", b"")
            return self._fault_page(fault, scope["path"], body, state["request_id"])
        return fault.response(state["request_id"])

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        service, limits = self._service, self._service.limits
        self._authorise(scope)
        if (scope["method"], scope["path"]) not in ANSWERING:
            await self._app(scope, await self._read(scope, receive), send)
            return
        if (scope["method"], scope["path"]) in FORMS:
            # Read before it may be refused: what was typed is kept even when too many ask.
            receive = await self._read(scope, receive)
        if service.in_flight >= limits.in_flight:
            raise RequestError(
                "overloaded",
                f"{limits.in_flight} requests are being answered",
                retry_after_s=service.turns.wait_s(limits.retry_after_s, limits.retry_after_most_s),
            )
        service.in_flight += 1
        service.metrics.note_in_flight(service.in_flight)
        try:
            whole = await self._read(scope, receive)
            if not await service.was_ready():
                wait_s = limits.retry_after_s
                raise RequestError(
                    "not_ready", "the models are still loading", retry_after_s=wait_s
                )
            async with asyncio.timeout(limits.timeout_s):
                await self._app(scope, whole, send)
        except TimeoutError:
            message = f"no answer within {limits.timeout_s:g} s; ask for fewer posts at a time"
            raise RequestError("too_slow", message) from None
        finally:
            service.in_flight -= 1
            service.turns.note_end()
            service.metrics.note_in_flight(service.in_flight)

    def _authorise(self, scope: Scope) -> None:
        method, path = scope["method"], scope["path"]
        if (method, path) in PUBLIC:
            return
        if self._service.keys is None:
            if is_elsewhere(scope):
                raise RequestError("unauthorised", "without keys this machine alone is answered")
            return
        headers = Headers(scope=scope)
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" and path == "/":
            given = signed_in_key(headers)
        elif kind.lower() != "bearer":
            given = ""
        key = find_key(tuple(self._service.keys()), given.strip()) if given else None
        if key is None:
            raise RequestError("unauthorised", "expected a key: Authorization: Bearer KEY")
        wanted = SCOPE_OF.get(path, "admin")
        if wanted not in key.scopes:
            raise RequestError("forbidden", f"this key does not allow {wanted}")

    async def _read(self, scope: Scope, receive: Receive) -> Receive:
        """The body, read here so that no more of it is ever held than is allowed."""
        most = self._service.limits.body_bytes
        too_large = RequestError("too_large", f"expected a body of at most {most} bytes")
        stated = Headers(scope=scope).get("content-length", "")
        if stated.isdecimal() and (len(stated) > 18 or int(stated) > most):
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_WAIT_S):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        break  # the client went away
                    body += message.get("body", b"")
                    if len(body) > most:
                        raise too_large
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            raise RequestError("too_slow", f"the body took more than {BODY_WAIT_S:g} s") from None
        scope["state"]["body"] = bytes(body)
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": scope["state"]["body"], "more_body": False}

        return replay


def is_elsewhere(scope: Scope) -> bool:
    """Whether a request comes from an address of another machine."""
    try:
        address = ip_address((scope.get("client") or ("",))[0])
    except ValueError:  # no network in between
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return not (mapped or address).is_loopback


def signed_in_key(headers: Headers) -> str:
    """The key in the page's cookie, unless another site's page sent the browser here."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return ""
    try:
        cookie = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookie[COOKIE].value if COOKIE in cookie else ""
