"""The interface over HTTP: answers, statuses, one envelope, nothing sent that comes back in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from serve.api import build_api
from serve.faults import ErrorEnvelope
from serve.graph import Graph
from serve.schemas import BundleOut, LinksOut, ReportOut, ReportsOut
from serve.service import Service
from serve.shelf import MissingBundleError
from smm4h_core.pipeline import load_pipeline
from smm4h_core.reports import link_to_json, report_to_json
from smm4h_core.types import Post
from tests.serving import compose, serve_over, start

MARKER = "zqxj-marker"
TEXTS = ["seroquel made me sleep", "болит голова от золофта 🙂", "e\u0301 \u202e \x00 👩‍👩‍👧"]


@pytest.fixture(scope="module")
def service(composed: tuple[Graph, Any]) -> Service:
    return serve_over(*composed)


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(build_api(service)) as client:
        yield client


def small(composed: tuple[Graph, Any], **limits: Any) -> TestClient:
    return TestClient(build_api(serve_over(*composed, **limits)))


def code_of(response: Any) -> str:
    """The code in the envelope; the marker that was sent is nowhere in the answer."""
    assert MARKER not in response.text
    assert MARKER not in str(response.headers)
    envelope = ErrorEnvelope.model_validate(response.json())
    assert envelope.error.request_id == response.headers["X-Request-ID"]
    return envelope.error.code


def rounded(value: Any) -> Any:
    return json.loads(json.dumps(value), parse_float=lambda number: round(float(number), 4))


def test_posts_are_what_the_pipeline_says(client: TestClient, whole_bundle: Path) -> None:
    pipeline = load_pipeline(whole_bundle, device=torch.device("cpu"))
    given = [Post(f"p{n}", text) for n, text in enumerate(TEXTS)]
    expected = [report_to_json(each) for each in pipeline.process(given, extract_all=True)]
    posts = [{"post_id": post.post_id, "text": post.text} for post in given]
    many = client.post("/v1/posts", json={"posts": posts, "extract_all": True})
    assert many.status_code == 200
    assert rounded(many.json()) == rounded({"reports": expected})
    ReportsOut.model_validate_json(many.text)
    one = client.post("/v1/posts", json={**posts[0], "extract_all": True})
    assert rounded(one.json()) == rounded(expected[0])
    ReportOut.model_validate_json(one.text)


def test_answers_tell_what_they_took(client: TestClient) -> None:
    answer = client.post("/v1/posts", json={"text": TEXTS[0]})
    told = dict(part.split(";dur=") for part in answer.headers["Server-Timing"].split(", "))
    assert set(told) == {"queue", "tokenise", "infer", "total"}
    assert float(told["total"]) >= float(told["infer"]) > 0


def test_classify_and_extract_go_as_far_as_they_say(client: TestClient) -> None:
    classified = client.post("/v1/classify", json={"text": TEXTS[0]}).json()
    assert classified["ade"] is not None and classified["mentions"] is None
    extracted = client.post("/v1/extract", json={"text": TEXTS[0]}).json()
    assert extracted["ade"] is None and extracted["mentions"]
    assert all(found["link"] is None for found in extracted["mentions"])


def test_link_answers_strings(client: TestClient, whole_bundle: Path) -> None:
    link = load_pipeline(whole_bundle, device=torch.device("cpu")).link("my head hurts", lang="en")
    asked = {"mentions": [{"text": "my head hurts", "lang": "en"}]}
    answer = client.post("/v1/link", json=asked).json()
    assert rounded(answer) == rounded({"links": [link_to_json(link)], "bundle": "whole@1"})
    LinksOut.model_validate(answer)


def test_facts_are_told(client: TestClient, service: Service) -> None:
    told = BundleOut.model_validate(client.get("/v1/bundle").json())
    assert (told.name, told.languages) == ("whole", ["en", "ru"])
    assert set(told.parts) == {"classifier", "extractor", "linker"}
    assert client.get("/v1/limits").json() == service.limits.model_dump()
    assert [each["part"] for each in client.get("/v1/state").json()] == [
        *("ingress", "classifier", "extractor", "linker")
    ]
    assert client.get("/healthz").text == client.get("/readyz").text == "ok\n"


def test_metrics_count_and_name_nothing(client: TestClient) -> None:
    client.post("/v1/posts", json={"text": MARKER})
    client.get(f"/{MARKER}")
    text = client.get("/metrics").text
    assert 'smm4h_requests_total{replica="here",route="/v1/posts",status="200"}' in text
    assert 'route="other",status="404"' in text
    assert MARKER not in text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (b'{"posts": []}', "empty"),
        (b'{"text": " \\n\\u00a0 "}', "empty"),
        (b"{", "invalid"),
        (b"[]", "invalid"),
        (b"null", "invalid"),
        (b'{"text": null}', "invalid"),
        (b'{"text": 7}', "invalid"),
        (b'{"text": NaN}', "invalid"),
        (b'{"text": 1e999}', "invalid"),
        (b'{"text": "zqxj-marker\\ud800"}', "invalid"),
        (b'{"text": "zqxj-marker\xff"}', "invalid"),
        (b'{"text": "x", "zqxj-marker": 1}', "invalid"),
        (b'{"text": "x", "lang": "zqxj-marker"}', "invalid"),
        (b'{"text": "x", "extract_all": "zqxj-marker"}', "invalid"),
        (b'{"text": "x", "extract_all": 1}', "invalid"),
        (b'{"posts": [{"text": "ok"}, {"text": "zqxj-marker", "post_id": 5}]}', "invalid"),
        (b'{"text": ' + b"9" * 5000 + b"}", "invalid"),
        (b"[" * 100_000 + b"]" * 100_000, "invalid"),
        (b'{"text": "' + b"x" * 10_001 + b'"}', "too_large"),
        (b'{"text": "x", "post_id": "' + b"x" * 129 + b'"}', "too_large"),
        (b'{"text": "x", "post_id": "' + b"x" * 1001 + b'"}', "too_large"),
        (b'{"text": "' + b"x" * 1_000_001 + b'"}', "too_large"),
        (b'{"posts": [' + b",".join([b'{"text": "x"}'] * 1025) + b"]}", "too_large"),
        (b'{"posts": [' + b",".join([b'{"text": "x"}'] * 65) + b"]}", "too_large"),
        (b'{"text": "' + b"x" * (2 << 20) + b'"}', "too_large"),
    ],
)
def test_bad_bodies_are_refused_in_the_envelope(client: TestClient, body: bytes, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client.post("/v1/posts", content=body, headers=headers)
    assert code_of(answer) == code
    assert answer.status_code == {"empty": 400, "invalid": 422, "too_large": 413}[code]


def test_details_say_where_and_what(client: TestClient) -> None:
    body = {"posts": [{"text": "x"}, {"text": "x", "lang": MARKER}]}
    answer = client.post("/v1/posts", json=body)
    assert code_of(answer) == "invalid"
    details = answer.json()["error"]["details"]
    assert {"where": "posts.1.lang", "what": "Input should be 'en' or 'ru'"} in details


def test_a_chunked_body_is_stopped_while_it_arrives(composed: tuple[Graph, Any]) -> None:
    # By hand: a test client would read its own chunks to the end before it asks.
    service = serve_over(*composed)
    taken, told = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": True}

    async def send(message: Any) -> None:
        told.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/posts", "headers": [], "query_string": b"",
    }  # fmt: skip
    asyncio.run(build_api(service)(scope, receive, send))
    assert told[0]["status"] == 413
    assert taken == service.limits.body_bytes // 65_536 + 1


def test_greatest_requests_are_answered(client: TestClient) -> None:
    posts = [{"text": "x " * 40, "post_id": str(n)} for n in range(64)]
    answer = client.post("/v1/classify", json={"posts": posts})
    assert [each["post_id"] for each in answer.json()["reports"]] == [str(n) for n in range(64)]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "/nothing", "not_found"), ("GET", "/v1/posts", "method_not_allowed")],
)
def test_wrong_routes_are_told_in_the_envelope(
    client: TestClient, method: str, path: str, code: str
) -> None:
    assert code_of(client.request(method, path)) == code


def test_too_many_at_a_time_are_asked_to_wait(composed: tuple[Graph, Any]) -> None:
    service = serve_over(*composed, in_flight=1, retry_after_s=3)
    service.in_flight = 1
    client = TestClient(build_api(service))
    answer = client.post("/v1/posts", json={"text": MARKER})
    assert (answer.status_code, code_of(answer)) == (429, "overloaded")
    assert answer.headers["Retry-After"] == "3"
    assert client.get("/healthz").status_code == 200
    assert service.in_flight == 1


def test_slow_answers_are_given_up(composed: tuple[Graph, Any]) -> None:
    service = serve_over(*composed, timeout_s=0.001)
    with TestClient(build_api(service)) as client:
        answer = client.post("/v1/posts", json={"text": MARKER})
    assert (answer.status_code, code_of(answer)) == (504, "too_slow")
    assert service.in_flight == 0


def test_nothing_is_answered_before_every_part_is_there(composed: tuple[Graph, Any]) -> None:
    service = serve_over(*composed)

    async def ask_states() -> list[dict[str, Any]]:
        raise TimeoutError

    service.ask_states = ask_states
    with TestClient(build_api(service)) as client:
        for answer in (client.post("/v1/posts", json={"text": "x"}), client.get("/readyz")):
            assert (answer.status_code, code_of(answer)) == (503, "not_ready")
            assert answer.headers["Retry-After"].isdecimal()
        assert client.get("/healthz").status_code == 200


def test_a_change_of_bundles_that_lasts_is_no_error_of_ours(
    composed: tuple[Graph, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def missing(*_: Any) -> Any:
        raise MissingBundleError("0" * 64)

    service = serve_over(*composed)
    monkeypatch.setattr(service.graph, "process", missing)
    answer = TestClient(build_api(service)).post("/v1/posts", json={"text": "x"})
    assert (answer.status_code, code_of(answer)) == (503, "not_ready")
    assert answer.headers["Retry-After"] == "1"


def test_parts_that_are_lost_for_a_while_are_waited_for(
    composed: tuple[Graph, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve.service.READY_FOR_S", 0.0)
    service = serve_over(*composed)

    async def lost() -> list[dict[str, Any]]:
        raise TimeoutError

    async def run() -> list[bool]:
        ready = [await service.is_ready()]
        service.ask_states = lost
        return [*ready, await service.is_ready(), await service.was_ready()]

    # Posts wait for replicas that are on their way back; only "ready" says no.
    assert asyncio.run(run()) == [True, False, True]


@pytest.fixture
def narrow(tiny_bundle: Path) -> Iterator[tuple[TestClient, Service]]:
    """A service that takes little, with parts of its own: they answer in one event loop alone."""
    graph, parts = compose(tiny_bundle)
    asyncio.run(start(parts))
    service = serve_over(graph, parts, in_flight=1, retry_after_s=3, post_chars=20)
    with TestClient(build_api(service)) as client:
        yield client, service


def test_the_page_tells_faults_as_a_page_and_keeps_what_was_typed(
    narrow: tuple[TestClient, Service],
) -> None:
    client, service = narrow
    typed = "seroquel\nmade me <b>"
    shown = "seroquel\nmade me &lt;b&gt;</textarea>"

    answer = client.post("/", data={"text": typed})
    assert answer.status_code == 200
    assert shown in answer.text

    service.in_flight = 1
    answer = client.post("/", data={"text": typed})
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3"
    assert answer.headers["content-type"].startswith("text/html")
    assert "Content-Security-Policy" in answer.headers
    assert "1 requests are being answered. Try again in a moment." in answer.text
    assert answer.headers["X-Request-ID"] in answer.text
    assert shown in answer.text
    service.in_flight = 0

    answer = client.post("/", data={"text": f"{typed} and more"})
    assert "A post may have 20 characters at most; this has 29." in answer.text
    assert "and more</textarea>" in answer.text

    answer = client.post("/", content=b"text=%ff")
    assert answer.status_code == 422
    assert "Expected the page&#x27;s own form." in answer.text


def test_what_breaks_inside_is_told_without_its_words(
    composed: tuple[Graph, Any], caplog: pytest.LogCaptureFixture
) -> None:
    service = serve_over(*composed)

    async def process(*_: object) -> Any:
        raise KeyError(MARKER)

    service.graph = type("Broken", (), {"process": staticmethod(process)})()  # type: ignore[assignment]
    with TestClient(build_api(service)) as client:
        answer = client.post("/v1/posts", json={"text": MARKER})
    assert (answer.status_code, code_of(answer)) == (500, "internal")
    assert "KeyError at test_api.py" in caplog.text
    assert MARKER not in caplog.text


def test_openapi_has_examples_bounds_and_the_envelope(client: TestClient) -> None:
    told = client.get("/openapi.json").json()
    schemas = told["components"]["schemas"]
    assert "example" in schemas["OnePost"] and "example" in schemas["ManyPosts"]
    assert schemas["ManyPosts"]["properties"]["posts"]["maxItems"]
    posts = told["paths"]["/v1/posts"]["post"]
    assert {"200", "400", "401", "413", "422", "429", "503", "504"} <= set(posts["responses"])
    for status, answer in posts["responses"].items():
        if status != "200":
            assert answer["content"]["application/json"]["schema"]["$ref"].endswith("ErrorEnvelope")
    unbounded = [
        f"{name}.{field}"
        for name in ("OnePost", "ManyPosts", "PostIn", "Mentions", "MentionIn")
        for field, schema in schemas[name]["properties"].items()
        for each in schema.get("anyOf", [schema])
        if (each.get("type") == "string" and not {"maxLength", "enum"} & each.keys())
        or (each.get("type") == "array" and "maxItems" not in each)
    ]
    assert unbounded == []
    TypeAdapter(dict[str, Any]).validate_python(told)
