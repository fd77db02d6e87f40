"""Clients that stall or leave, over real sockets: their places become free, others are answered."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import httpx2
import pytest
import uvicorn

from serve.api import build_api
from serve.graph import Graph
from serve.service import Service
from tests.serving import serve_over

BODY = json.dumps({"text": "seroquel made me sleep"}).encode()
HEAD = (
    b"POST /v1/classify HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
)
PATIENCE_S = 20.0


@pytest.fixture
def listening(composed: tuple[Graph, Any]) -> Iterator[tuple[Service, int]]:
    service = serve_over(*composed, in_flight=2)
    server = uvicorn.Server(
        uvicorn.Config(build_api(service), port=0, lifespan="off", log_level="critical")
    )
    thread = Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield service, server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def until(holds: Callable[[], bool]) -> None:
    given_up = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < given_up
        time.sleep(0.01)


@contextmanager
def sent(port: int, words: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.sendall(words)
        yield connection


def ask(port: int) -> int:
    url = f"http://127.0.0.1:{port}/v1/classify"
    return httpx2.post(url, content=BODY, headers={"Content-Type": "application/json"}).status_code


def test_a_body_that_does_not_arrive_is_given_up(
    listening: tuple[Service, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    service, port = listening
    monkeypatch.setattr("serve.guard.BODY_WAIT_S", 0.2)
    with sent(port, HEAD + BODY[:5]) as connection:
        assert connection.recv(15) == b"HTTP/1.1 504 Ga"
    until(lambda: service.in_flight == 0)
    assert ask(port) == 200


def test_stalled_clients_fill_their_places_alone_and_free_them_as_they_leave(
    listening: tuple[Service, int],
) -> None:
    service, port = listening
    with sent(port, HEAD + BODY[:5]), sent(port, HEAD):
        until(lambda: service.in_flight == 2)
        assert ask(port) == 429
        assert httpx2.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    until(lambda: service.in_flight == 0)
    assert ask(port) == 200


def test_who_leaves_before_the_answer_keeps_no_place(listening: tuple[Service, int]) -> None:
    service, port = listening
    for _ in range(4):
        with sent(port, HEAD + BODY):
            pass
    until(lambda: service.in_flight == 0)
    assert ask(port) == 200
