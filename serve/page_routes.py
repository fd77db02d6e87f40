"""The page's routes: look, sign in, ask."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from serve.faults import RequestError
from serve.guard import COOKIE, signed_in_key
from serve.page import CONTENT_SECURITY_POLICY, format_page
from serve.service import Service
from smm4h_core.access_keys import find_key
from smm4h_core.errors import DataError
from smm4h_core.types import Post

SIGNED_IN_S = 8 * 3600
"""Seconds that a browser keeps the key: a working day."""


def add_page(api: FastAPI, service: Service) -> None:
    """Add the page to the interface."""

    def page(**shown: object) -> Response:
        label = service.graph.front.label
        html = format_page(label=label, **shown)  # type: ignore[arg-type]
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        return HTMLResponse(html, headers=headers)

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
        text = (await _form(request)).get("text", "").replace("\r\n", "\n")
        if not text.strip():
            return page(signed_in=True, notice="Paste a post first.")
        most = service.limits.post_chars
        if len(text) > most:
            return page(signed_in=True, notice=f"A post may have {most} characters at most.")
        post = Post("1", text)
        try:
            (report,), timings = await service.graph.process([post])
        except DataError:
            return page(signed_in=True, notice="This bundle does not read that language.")
        service.metrics.count_posts(1, timings)
        return page(signed_in=True, post=post, report=report)


async def _form(request: Request) -> dict[str, str]:
    try:
        words = (await request.body()).decode("utf-8")
        fields = parse_qs(words, keep_blank_values=True, errors="strict", max_num_fields=8)
    except ValueError:  # not UTF-8, or more fields than the page has
        raise RequestError("invalid", "expected the page's own form") from None
    return {name: values[0] for name, values in fields.items()}
