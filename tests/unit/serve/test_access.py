"""Nobody gets in without a key; a new route is closed until somebody opens it."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from serve.api import build_api
from serve.guard import COOKIE, PUBLIC, Guard
from serve.key_file import KeyFile
from serve.service import Service
from smm4h_core.access_keys import SCOPES, Scope, add_key, revoke_key
from tests.serving import compose, serve_over, start


@pytest.fixture(scope="module")
def keys_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture(scope="module")
def keys(keys_path: Path) -> dict[Scope, str]:
    return {scope: add_key(keys_path, scope, [scope]) for scope in SCOPES}


@pytest.fixture(scope="module")
def guard(tiny_bundle: Path, keys_path: Path) -> Guard:
    graph, parts = compose(tiny_bundle)
    asyncio.run(start(parts))
    return build_api(serve_over(graph, parts, keys=KeyFile(keys_path).read))


@pytest.fixture(scope="module")
def client(guard: Guard, keys: dict[Scope, str]) -> Iterator[TestClient]:
    assert keys
    with TestClient(guard) as client:
        yield client


def routes(guard: Guard, client: TestClient, key: str) -> set[tuple[str, str]]:
    """Every route: of the OpenAPI, of the application, and what frameworks like to add."""
    told = client.get("/openapi.json", headers={"Authorization": f"Bearer {key}"}).json()
    found = {(m.upper(), path) for path, methods in told["paths"].items() for m in methods}
    found |= {
        (method, route.path)
        for route in guard._app.routes  # type: ignore[attr-defined]
        if isinstance(route, Route)
        for method in route.methods or ()
    }
    others = ("/docs", "/redoc", "/-/routes", "/-/healthz", "/metrics/", "/v1/posts/", "/.env")
    return found | {("GET", path) for path in others} | {("POST", "/v1/nothing")}


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", "Basic {key}"])
def test_every_route_but_the_public_ones_wants_a_key(
    guard: Guard, client: TestClient, keys: dict[Scope, str], authorization: str | None
) -> None:
    found = routes(guard, client, keys["predict"])
    assert {("POST", "/v1/posts"), ("GET", "/metrics"), ("GET", "/openapi.json")} <= found
    assert found >= PUBLIC
    headers = {}
    if authorization is not None:
        headers["Authorization"] = authorization.format(key=keys["predict"])
    for method, path in sorted(found - PUBLIC):
        if method == "HEAD":
            continue
        answer = client.request(method, path, headers=headers)
        assert (method, path, answer.status_code) == (method, path, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    for method, path in sorted(PUBLIC):
        assert client.request(method, path).status_code == 200


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        ("predict", "POST", "/v1/posts", 200),
        ("predict", "GET", "/v1/limits", 200),
        ("predict", "GET", "/metrics", 403),
        ("predict", "GET", "/v1/state", 403),
        ("metrics", "GET", "/metrics", 200),
        ("metrics", "POST", "/v1/posts", 403),
        ("admin", "GET", "/v1/state", 200),
        ("admin", "POST", "/v1/posts", 403),
        ("admin", "GET", "/nothing", 404),
    ],
)
def test_keys_allow_their_scopes_alone(
    client: TestClient, keys: dict[Scope, str], scope: Scope, method: str, path: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {keys[scope]}"}
    body = {"text": "seroquel"} if method == "POST" else None
    assert client.request(method, path, json=body, headers=headers).status_code == status


def test_a_revoked_key_stops_at_once(client: TestClient, keys_path: Path) -> None:
    headers = {"Authorization": f"Bearer {add_key(keys_path, 'guest', ['predict'])}"}
    assert client.get("/v1/limits", headers=headers).status_code == 200
    revoke_key(keys_path, "guest")
    assert client.get("/v1/limits", headers=headers).status_code == 401


@pytest.fixture
def browser(client: TestClient) -> Iterator[TestClient]:
    yield client
    client.cookies.clear()


def test_the_page_s_cookie_opens_the_page_alone(
    browser: TestClient, keys: dict[Scope, str]
) -> None:
    assert "Your key" in browser.get("/").text
    refused = browser.post("/session", data={"key": "wrong"})
    assert "not known" in refused.text and COOKIE not in browser.cookies
    browser.post("/session", data={"key": keys["predict"]})
    assert "Read it" in browser.get("/").text
    assert browser.post("/", data={"text": "seroquel made me sleep"}).status_code == 200
    assert browser.post("/v1/posts", json={"text": "x"}).status_code == 401
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert browser.post("/", data={"text": "x"}, headers=foreign).status_code == 401


def test_the_cookie_is_kept_from_scripts_and_other_sites(
    browser: TestClient, keys: dict[Scope, str]
) -> None:
    answer = browser.post("/session", data={"key": keys["predict"]}, follow_redirects=False)
    set_cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in set_cookie and "SameSite=strict" in set_cookie


@pytest.mark.parametrize(
    ("address", "answered"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.7", False),
        ("::ffff:10.0.0.7", False),
        ("2001:db8::1", False),
    ],
)
def test_without_keys_this_machine_alone_is_answered(
    guard: Guard, client: TestClient, keys: dict[Scope, str], address: str, answered: bool
) -> None:
    open_to_all = Guard(guard._app, replace_keys(guard), guard._fault_page)
    here = TestClient(open_to_all, client=(address, 50_000))
    for method, path in sorted(routes(guard, client, keys["predict"]) - PUBLIC):
        if method != "HEAD":
            status = here.request(method, path).status_code
            assert (method, path, status == 401) == (method, path, not answered)
    for method, path in sorted(PUBLIC):
        assert here.request(method, path).status_code == 200


def replace_keys(guard: Guard) -> Service:
    """The same service, asking for no key."""
    service = copy.copy(guard._service)
    service.keys = None
    return service


def test_a_wrong_form_of_the_key_shows_the_key_s_form_again(client: TestClient) -> None:
    answer = client.post("/session", content=b"key=%ff")
    assert answer.status_code == 422
    assert 'action="/session"' in answer.text
    assert "<textarea" not in answer.text
