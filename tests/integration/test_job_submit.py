"""``ray job submit`` on a cluster that ``ray start --head`` made here, with a token."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
import yaml

from smm4h_core.bundle import verify_bundle
from smm4h_core.config import RunConfig

pytestmark = pytest.mark.ray

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


def submit(
    address: str, environment: dict[str, str], command: list[str]
) -> subprocess.CompletedProcess[str]:
    """Submit a job, again while the head's agent, which starts after its dashboard, is not up."""
    for _ in range(30):
        submitted = subprocess.run(
            [RAY, "job", "submit", "--address", address, "--", *command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if "No available agent" not in submitted.stderr:
            break
        time.sleep(2)
    return submitted


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


def test_submitted_job_trains_an_ensemble_on_a_cluster_with_a_token(
    address: str,
    environment: dict[str, str],
    make_config: Callable[..., RunConfig],
    tmp_path: Path,
) -> None:
    config = make_config("submitted", training={"epochs": 2})
    path = tmp_path / "submitted.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json", exclude_defaults=True)))
    train = [sys.executable, "-m", "ray_jobs", "train", str(path), "--set", "ensemble.tie=negative"]
    submitted = submit(address, environment, train)
    assert submitted.returncode == 0, submitted.stdout + submitted.stderr

    token = Path(environment["RAY_AUTH_TOKEN_PATH"]).read_text()
    assert [job["status"] for job in list_jobs(address, token)] == ["SUCCEEDED"]
    assert refuses_without_token(address)
    manifest = verify_bundle(Path(config.storage, config.name, "bundle"))
    assert manifest["parts"]["classifier"]["configuration"]["ensemble"]["tie"] == "negative"
    assert manifest["parts"]["classifier"]["configuration"]["ensemble"]["seeds"] == [0, 1]
