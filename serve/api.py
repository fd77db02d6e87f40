"""Routes: what is asked over HTTP, and what is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from serve.bundle_summary import summarise_bundle
from serve.faults import STATUS, Detail, ErrorEnvelope, RequestError, json_response
from serve.graph import Wanted
from serve.guard import Guard
from serve.limits import Limits
from serve.messages import Timings
from serve.metrics import CONTENT_TYPE
from serve.page_routes import add_page
from serve.schemas import (
    BundleOut,
    LinksOut,
    ManyPosts,
    MentionIn,
    Mentions,
    OnePost,
    PostIn,
    ReportOut,
    ReportsOut,
)
from serve.service import Service
from serve.shelf import MissingBundleError
from smm4h_core.errors import DataError
from smm4h_core.reports import link_to_json, report_to_json
from smm4h_core.types import Post

Problems = dict[int | str, dict[str, Any]]
FAILURES: Problems = {
    status: {"model": ErrorEnvelope, "description": code.replace("_", " ")}
    for code, status in STATUS.items()
    if code not in ("method_not_allowed", "not_found")
}
"""What any route that answers posts may answer instead, for the OpenAPI."""
REFUSALS: Problems = {status: FAILURES[status] for status in (401, 403)}
_FIELDS = frozenset(
    ("posts", "mentions", "extract_all", *PostIn.model_fields, *MentionIn.model_fields)
)
_TOO_LONG = ("too_long", "string_too_long")
"""Types of pydantic's errors."""
_MAX_DETAILS = 20


def build_api(service: Service) -> Guard:
    """The whole HTTP interface around a service."""
    # No docs pages: FastAPI's own fetch their scripts from elsewhere.
    api = FastAPI(
        title="smm4h",
        summary="Adverse drug effects in social-media posts.",
        version="1",
        docs_url=None,
        redoc_url=None,
        responses=REFUSALS,
    )
    _add_handlers(api)
    _add_answers(api, service)
    _add_facts(api, service)
    fault_page = add_page(api, service)
    _add_security(api)
    return Guard(api, service, fault_page)


def _add_answers(api: FastAPI, service: Service) -> None:
    either: dict[str, Any] = {
        "response_model": ReportOut | ReportsOut,
        "responses": FAILURES,
        "tags": ["answers"],
    }

    async def answer(body: OnePost | ManyPosts, wanted: Wanted) -> Response:
        reports, timings = await _process(service, body, wanted)
        told = [report_to_json(report) for report in reports]
        return _timed(told[0] if isinstance(body, OnePost) else {"reports": told}, timings)

    @api.post("/v1/posts", **either)
    async def posts(body: OnePost | ManyPosts) -> Response:
        """The whole journey: drugs, decision, mentions, links; one post or several."""
        return await answer(body, Wanted(extract_all=body.extract_all))

    @api.post("/v1/classify", **either)
    async def classify(body: OnePost | ManyPosts) -> Response:
        """Drugs and decision alone."""
        return await answer(body, Wanted(extract=False))

    @api.post("/v1/extract", **either)
    async def extract(body: OnePost | ManyPosts) -> Response:
        """Drugs and mentions of every post, neither classified nor linked."""
        return await answer(body, Wanted(classify=False, link=False, extract_all=True))

    @api.post("/v1/link", response_model=LinksOut, responses=FAILURES, tags=["answers"])
    async def link(body: Mentions) -> Response:
        """The concept of each mention given as a string."""
        limits = service.limits
        _check_number(len(body.mentions), "mentions", limits)
        for place, each in enumerate(body.mentions):
            _check_text(each.text, f"mentions.{place}.text", limits.mention_chars)
            if each.post is not None and len(each.post) > limits.post_chars:
                raise _too_long(f"mentions.{place}.post", limits.post_chars)
        asked = [Post(str(n), each.text, each.lang) for n, each in enumerate(body.mentions)]
        contexts = [each.post for each in body.mentions]
        links, timings, label = await service.graph.link(asked, contexts)
        service.metrics.count_posts(len(asked), timings)
        return _timed({"links": [link_to_json(each) for each in links], "bundle": label}, timings)


def _add_facts(api: FastAPI, service: Service) -> None:
    @api.get("/v1/bundle", response_model=BundleOut, tags=["facts"])
    async def bundle() -> Response:
        """The bundle that answers."""
        return json_response(summarise_bundle(service.graph.front))

    @api.get("/v1/limits", response_model=Limits, tags=["facts"])
    async def limits() -> Response:
        """What a request may be."""
        return json_response(service.limits.model_dump())

    @api.get("/v1/state", response_model=list[dict[str, Any]], tags=["operation"])
    async def state() -> Response:
        """What one replica of each part holds, and why a change was refused, if one was."""
        front = {
            "part": "ingress",
            "bundle": service.graph.front.label,
            "sha256": service.graph.front.digest,
            "refused": service.graph.shelf.refused,
        }
        return json_response([front, *await service.ask_states()])

    @api.get("/healthz", response_class=PlainTextResponse, tags=["operation"])
    async def healthz() -> Response:
        """Whether this process answers at all."""
        return PlainTextResponse("ok\n")

    @api.get(
        "/readyz",
        response_class=PlainTextResponse,
        responses={503: FAILURES[503]},
        tags=["operation"],
    )
    async def readyz() -> Response:
        """Whether every part has its models and answers."""
        if not await service.is_ready():
            wait_s = service.limits.retry_after_s
            raise RequestError("not_ready", "not every part answers yet", retry_after_s=wait_s)
        return PlainTextResponse("ok\n")

    @api.get("/metrics", response_class=PlainTextResponse, tags=["operation"])
    async def metrics() -> Response:
        """Counts and times of this replica, for Prometheus."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)


async def _process(service: Service, body: OnePost | ManyPosts, wanted: Wanted) -> Any:
    several = isinstance(body, ManyPosts)
    given: Sequence[PostIn] = body.posts if isinstance(body, ManyPosts) else [body]
    limits = service.limits
    _check_number(len(given), "posts", limits)
    for place, each in enumerate(given):
        where = f"posts.{place}." if several else ""
        _check_text(each.text, f"{where}text", limits.post_chars)
        if each.post_id is not None and len(each.post_id) > limits.id_chars:
            raise _too_long(f"{where}post_id", limits.id_chars)
    posts = [
        Post(str(place) if each.post_id is None else each.post_id, each.text, each.lang)
        for place, each in enumerate(given, start=1)
    ]
    reports, timings = await service.graph.process(posts, wanted)
    service.metrics.count_posts(len(posts), timings)
    return reports, timings


def _check_number(number: int, where: str, limits: Limits) -> None:
    if not number:
        raise RequestError("empty", f"expected one of {where} at least, got none")
    if number > limits.posts:
        message = f"expected at most {limits.posts} of {where}, got {number}"
        raise RequestError("too_large", message, details=[Detail(where=where, what="too many")])


def _check_text(text: str, where: str, most: int) -> None:
    if not text.strip():
        raise RequestError("empty", "expected a text, got nothing but white space", details=[
            Detail(where=where, what="empty")
        ])  # fmt: skip
    if len(text) > most:
        raise _too_long(where, most)


def _too_long(where: str, most: int) -> RequestError:
    what = f"expected at most {most} code points"
    return RequestError("too_large", what, details=[Detail(where=where, what=what)])


def _timed(content: Any, timings: Timings) -> Response:
    parts = (("queue", timings.queue), ("tokenise", timings.tokenise), ("infer", timings.infer))
    header = ", ".join(f"{name};dur={1000 * seconds:.1f}" for name, seconds in parts)
    return json_response(content, headers={"Server-Timing": header})


def _add_handlers(api: FastAPI) -> None:
    async def leave_to_guard(_: Request, error: Exception) -> Response:
        raise _fault_of(error)

    for kind in (RequestError, RequestValidationError, DataError, HTTPException, Exception):
        api.add_exception_handler(kind, leave_to_guard)


def _fault_of(error: Exception) -> Exception:
    if isinstance(error, RequestError):
        return error
    if isinstance(error, RequestValidationError):
        if error.body is None and all(each["type"] == "missing" for each in error.errors()):
            return RequestError("empty", "expected a body, got none")
        # What is too long fits one kind of body alone, and the other kinds complain as well.
        too_long = [each for each in error.errors() if each["type"] in _TOO_LONG]
        details = [
            Detail(where=_where(each["loc"]), what=str(each["msg"])[:200])
            for each in (too_long or error.errors())[:_MAX_DETAILS]
        ]
        if too_long:
            return RequestError("too_large", "beyond what GET /v1/limits says", details=details)
        return RequestError("invalid", "the body is not what this route takes", details=details)
    if isinstance(error, MissingBundleError):  # a change that takes longer than a request tries
        return RequestError("not_ready", "bundles are being changed", retry_after_s=1)
    if isinstance(error, DataError):  # its words name the post, so ours say it anew
        return RequestError("invalid", "a language, or a part, that this bundle does not have")
    if not isinstance(error, HTTPException):  # a bug, whose place `serve.guard` logs
        return error
    if error.status_code == STATUS["not_found"]:
        return RequestError("not_found", "no such route")
    if error.status_code == STATUS["method_not_allowed"]:
        return RequestError("method_not_allowed", "this route takes another method")
    return RequestError("invalid", "expected a body of JSON in UTF-8, not nested too deep")


def _where(location: Sequence[int | str]) -> str:
    """Names of ours and places in lists; another name may be what somebody posted."""
    return ".".join(str(x) for x in location[1:] if isinstance(x, int) or x in _FIELDS)


def _add_security(api: FastAPI) -> None:
    """Say in the OpenAPI that a key is needed; `serve.guard` sees to it."""
    made = api.openapi()
    schemes = made.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["key"] = {"type": "http", "scheme": "bearer"}
    made["security"] = [{"key": []}]
    for path in ("/healthz", "/readyz"):
        made["paths"][path]["get"]["security"] = []
    api.openapi_schema = made
