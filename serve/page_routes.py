"""The page's routes: look, sign in, ask."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from serve.faults import STATUS, RequestError
from serve.guard import COOKIE, FaultPage, signed_in_key
from serve.page import CONTENT_SECURITY_POLICY, format_page
from serve.service import Service
from smm4h_core.access_keys import find_key
from smm4h_core.errors import DataError
from smm4h_core.types import Post

SIGNED_IN_S = 8 * 3600
"""Seconds that a browser keeps the key: a working day."""


def add_page(api: FastAPI, service: Service) -> FaultPage:
    """Add the page to the interface; returns how a fault looks to whoever sent a form."""

    def page(status: int = 200, **shown: object) -> Response:
        label = service.graph.front.label
        html = format_page(label=label, **shown)  # type: ignore[arg-type]
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        return HTMLResponse(html, status, headers)

    def tell(fault: RequestError, path: str, body: bytes, request_id: str) -> Response:
        signed_in = path != "/session" and fault.code not in ("unauthorised", "forbidden")
        advice = " Try again in a moment." if fault.retry_after_s is not None else ""
        lost_key = fault.code == "unauthorised" and service.keys is not None
        words = "Your key is not known any more" if lost_key else fault.message
        notice = f"{words[0].upper()}{words[1:]}.{advice} ({request_id})"
        text = _fields(body).get("text") if signed_in else None
        kept = Post("1", text) if text else None
        told = page(STATUS[fault.code], signed_in=signed_in, notice=notice, post=kept)
        told.headers.update(fault.headers())
        return told

    def knows(key: str) -> bool:
        if service.keys is None:
            return True
        found = find_key(tuple(service.keys()), key) if key else None
        return found is not None and "predict" in found.scopes

    @api.get("/", include_in_schema=False)
    async def look(request: Request) -> Response:
        return page(signed_in=knows(signed_in_key(request.headers)))

    @api.post("/session", include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        key = (await _form(request)).get("key", "").strip()
        if not knows(key):
            return page(signed_in=False, notice="This key is not known, or does not allow asking.")
        answer = RedirectResponse("/", status_code=303)
        if service.keys is not None:
            answer.set_cookie(
                COOKIE,
                key,
                max_age=SIGNED_IN_S,
                httponly=True,
                samesite="strict",
                secure=request.url.scheme == "https",
            )
        return answer

    @api.post("/", include_in_schema=False)
    async def ask(request: Request) -> Response:
        text = (await _form(request)).get("text", "")
        if not text.strip():
            return page(signed_in=True, notice="Paste a post first.")
        most, post = service.limits.post_chars, Post("1", text)
        if len(text) > most:
            notice = f"A post may have {most} characters at most; this has {len(text)}."
            return page(signed_in=True, notice=notice, post=post)
        try:
            (report,), timings = await service.graph.process([post])
        except DataError:
            notice = "This bundle does not read that language."
            return page(signed_in=True, notice=notice, post=post)
        service.metrics.count_posts(1, timings)
        return page(signed_in=True, post=post, report=report)

    return tell


async def _form(request: Request) -> dict[str, str]:
    body = await request.body()
    if body and not (fields := _fields(body)):
        raise RequestError("invalid", "expected the page's own form")
    return fields if body else {}


def _fields(body: bytes) -> dict[str, str]:
    """The form's fields; none where it is not UTF-8, or has more fields than the page."""
    try:
        found = parse_qs(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=8
        )
    except ValueError:
        return {}
    # Browsers send lines of a form as CR LF.
    return {name: values[0].replace("\r\n", "\n") for name, values in found.items()}
