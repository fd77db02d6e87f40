from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from serve.client import Client, ServiceError
from serve.limits import Limits
from smm4h_core.types import Post

LIMITS = Limits(posts=3).model_dump()


def ask(answers: Callable[[int, Any], httpx2.Response], **options: Any) -> tuple[Client, list[Any]]:
    """A client of a service that answers its n-th request so; and how long it waited."""
    seen: list[Any] = []
    waited: list[float] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/limits":
            return httpx2.Response(200, json=LIMITS)
        body = json.loads(request.content) if request.content else None
        seen.append(body)
        return answers(len(seen), body)

    client = Client(
        "http://here", sleep=waited.append, transport=httpx2.MockTransport(handle), **options
    )
    return client, [seen, waited]


def echo(body: Any) -> httpx2.Response:
    report = {"lang": "en", "ade": None, "drugs": [], "mentions": [], "bundle": "b@1", "newer": 1}
    reports = [{"post_id": post["post_id"], **report} for post in body["posts"]]
    return httpx2.Response(200, json={"reports": reports})


def test_client_sends_as_many_at_a_time_as_the_service_takes() -> None:
    client, (seen, _) = ask(lambda _, body: echo(body))
    reports = list(client.process(["a", "b", "c", Post("x", "d", "ru"), "e"]))
    assert [each.post_id for each in reports] == ["1", "2", "3", "x", "5"]
    assert [len(body["posts"]) for body in seen] == [3, 2]
    assert seen[1]["posts"][0] == {"post_id": "x", "text": "d", "lang": "ru"}


def test_client_cuts_batches_before_they_are_too_large() -> None:
    client, (seen, _) = ask(lambda _, body: echo(body))
    assert len(list(client.process(["🙂" * 50_000] * 3))) == 3
    assert [len(body["posts"]) for body in seen] == [1, 1, 1]


def test_client_sends_what_utf8_cannot_hold() -> None:
    client, (seen, _) = ask(lambda _, body: echo(body))
    assert len(list(client.process(["no\ud83d sleep"]))) == 1
    assert seen[0]["posts"][0]["text"] == "no\ud83d sleep"


def test_client_waits_as_long_as_it_is_asked_to() -> None:
    busy = httpx2.Response(429, headers={"Retry-After": "7"})
    client, (seen, waited) = ask(lambda n, body: busy if n < 3 else echo(body))
    assert len(list(client.process(["a"]))) == 1
    assert len(seen) == 3
    assert all(7 <= each <= 8.75 for each in waited)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_client_asks_again_what_may_succeed(status: int) -> None:
    client, (seen, waited) = ask(lambda n, body: httpx2.Response(status) if n < 2 else echo(body))
    assert len(list(client.process(["a"]))) == 1
    assert (len(seen), len(waited)) == (2, 1)


def test_client_asks_again_when_the_connection_breaks() -> None:
    def answers(number: int, body: Any) -> httpx2.Response:
        if number == 1:
            raise httpx2.ConnectError("gone")
        return echo(body)

    client, (seen, _) = ask(answers)
    assert len(list(client.process(["a"]))) == 1
    assert len(seen) == 2


def test_client_does_not_repeat_what_is_refused_and_tells_no_post() -> None:
    problem = {"code": "invalid", "message": "no", "request_id": "r1", "details": []}
    client, (seen, _) = ask(lambda *_: httpx2.Response(422, json={"error": problem}))
    with pytest.raises(ServiceError, match="422 invalid, no; request r1") as caught:
        list(client.process(["secret"]))
    assert len(seen) == 1
    assert "secret" not in str(caught.value)


def test_client_loses_its_patience() -> None:
    busy = httpx2.Response(429, headers={"Retry-After": "7"})
    client, (seen, _) = ask(lambda *_: busy, patience_s=5.0)
    with pytest.raises(ServiceError, match="given up: 429"):
        list(client.process(["a"]))
    assert len(seen) == 1


def test_client_says_that_an_answer_is_none_of_ours() -> None:
    client, _ = ask(lambda *_: httpx2.Response(200, json={"reports": [{"post_id": "secret"}]}))
    with pytest.raises(ServiceError, match="an answer of this version, got another at") as caught:
        list(client.process(["a"]))
    assert "secret" not in str(caught.value)


def test_client_waits_longer_each_time_where_nothing_is_asked() -> None:
    client, (_, waited) = ask(lambda n, body: httpx2.Response(503) if n < 9 else echo(body))
    assert len(list(client.process(["a"]))) == 1
    assert len(waited) == 8
    assert all(0 <= each <= min(0.2 * 2**n, 10) for n, each in enumerate(waited))
