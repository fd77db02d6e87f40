"""What breaks programs, over HTTP: answered with quotations that hold, or refused, never a 5xx."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from serve.api import build_api
from serve.faults import ErrorEnvelope
from serve.graph import Graph
from tests.serving import serve_over
from tests.unit.hostile import HOSTILE, MEGABYTE, NOT_JSON

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(composed: tuple[Graph, Any]) -> Iterator[TestClient]:
    with TestClient(build_api(serve_over(*composed))) as client:
        yield client


@pytest.mark.parametrize("escaped", [True, False])
def test_hostile_texts_are_quoted_or_refused(client: TestClient, escaped: bool) -> None:
    answered = 0
    for text in HOSTILE:
        body = json.dumps({"text": text, "extract_all": True}, ensure_ascii=escaped)
        content = body.encode("utf-8", "surrogatepass")
        answer = client.post("/v1/posts", content=content, headers=JSON)
        if not text.strip():
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "empty")
        elif "\ud800" in text:
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")
        else:
            assert answer.status_code == 200, (text[:20], answer.text)
            report = answer.json()
            for found in (*report["drugs"], *report["mentions"]):
                assert text[found["start"] : found["end"]] == found["text"]
                answered += 1
    assert answered > 10


def test_hostile_texts_together_are_as_alone(client: TestClient) -> None:
    texts = [text for text in HOSTILE if text.strip() and "\ud800" not in text]
    posts = [{"text": text} for text in texts]
    together = client.post("/v1/posts", json={"posts": posts, "extract_all": True}).json()
    for text, report in zip(texts, together["reports"], strict=True):
        alone = client.post("/v1/posts", json={"text": text, "extract_all": True}).json()
        spans = [(each["start"], each["end"]) for each in alone["mentions"]]
        assert [(each["start"], each["end"]) for each in report["mentions"]] == spans


@pytest.mark.parametrize("route", ["/v1/posts", "/v1/classify", "/v1/extract", "/v1/link"])
def test_what_is_no_json_is_refused_on_every_route(client: TestClient, route: str) -> None:
    for line in (*NOT_JSON, '{"text": -Infinity}', '{"text": "a", "\\ud800": 1}'):
        answer = client.post(route, content=line.encode("utf-8", "replace"), headers=JSON)
        assert answer.status_code == (422 if line else 400), line[:40]
        ErrorEnvelope.model_validate(answer.json())


def test_of_a_doubled_key_the_last_one_counts(client: TestClient) -> None:
    body = b'{"text": "zzz", "text": "seroquel made me sleep"}'
    report = client.post("/v1/posts", content=body, headers=JSON).json()
    assert [each["text"] for each in report["drugs"]] == ["seroquel"]


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"Content-Type": "text/plain"}, b'{"text": "a"}'),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"text=a"),
        ({**JSON, "Content-Encoding": "gzip"}, gzip.compress(b'{"text": "%s"}' % (b"a" * 10**7))),
    ],
)
def test_other_types_and_encodings_are_refused(
    client: TestClient, headers: dict[str, str], content: bytes
) -> None:
    answer = client.post("/v1/posts", content=content, headers=headers)
    assert answer.status_code == 422
    ErrorEnvelope.model_validate(answer.json())


def test_a_megabyte_is_refused_before_it_is_read_by_a_model(client: TestClient) -> None:
    for body in ({"text": MEGABYTE}, {"posts": [{"text": MEGABYTE}] * 3}):
        answer = client.post("/v1/posts", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    answer = client.post("/v1/posts", content=iter([b"x" * 10**6] * 100), headers=JSON)
    assert answer.status_code == 413
