"""A head node of a cluster that ``ray start`` makes here, with a token, for one test."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

RAY = str(Path(sys.executable).with_name("ray"))


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def list_jobs(address: str, token: str | None = None) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with urlopen(Request(f"{address}/api/jobs/", headers=headers), timeout=10) as answer:
        return json.load(answer)


def refuses_without_token(address: str) -> bool:
    """Whether the jobs' API answers 401; no answer at all is False."""
    try:
        list_jobs(address)
    except HTTPError as error:
        error.close()
        return error.code == 401
    except (URLError, TimeoutError):
        return False
    raise AssertionError(f"{address} lists jobs without a token")


def kill_session(leader: int) -> None:
    """Kill what is left of a session that we started; `ray stop` would end other Rays too."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(process.name)) == leader:
                os.kill(int(process.name), signal.SIGKILL)
        except ProcessLookupError:
            continue


@pytest.fixture
def environment(ray_environment: dict[str, str]) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    # The head would else wait half a minute for other machines before it ends.
    return {**ours, **ray_environment, "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0"}


@pytest.fixture
def address(environment: dict[str, str], ray_folder: Path, tmp_path: Path) -> Iterator[str]:
    """The dashboard of a head node that ends with the test."""
    gcs, dashboard, client, agent, agent_grpc = free_ports(5)
    options = {
        "port": gcs,
        "dashboard-host": "127.0.0.1",
        "dashboard-port": dashboard,
        "dashboard-agent-listen-port": agent,
        "dashboard-agent-grpc-port": agent_grpc,
        "ray-client-server-port": client,
        "min-worker-port": 0,
        "max-worker-port": 0,
        "num-cpus": 2,
        "object-store-memory": 80 << 20,
        "temp-dir": ray_folder / "head",
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    log = tmp_path / "head.log"
    with log.open("wb") as stream:
        head = subprocess.Popen(
            [RAY, "start", "--head", "--block", "--disable-usage-stats", *words],
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{dashboard}"
    try:
        while not refuses_without_token(url):
            assert head.poll() is None, log.read_text()
            time.sleep(0.2)
        yield url
    finally:
        head.terminate()
        try:
            head.wait(timeout=20)
        except subprocess.TimeoutExpired:
            head.kill()
            head.wait()
        kill_session(head.pid)
