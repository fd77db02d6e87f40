"""A Ray of our own is out of reach of other machines, and its GPUs of who claims none."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

import pytest

from tests.sockets import is_loopback, listening

START = """
import os, sys
from ray_jobs.cluster import connected
with connected():
    import ray
    seen = ray.remote(lambda: os.environ.get("CUDA_VISIBLE_DEVICES"))
    print(f"up, sees GPUs: {ray.get(seen.remote())!r}", flush=True)
    sys.stdin.read()
"""


@pytest.mark.ray
def test_a_cluster_of_our_own_listens_at_loopback_alone_and_hides_gpus(
    ray_environment: dict[str, str],
) -> None:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    marker = secrets.token_hex(8)
    asked = {"SMM4H_MARKER": marker, "CUDA_VISIBLE_DEVICES": "0"}
    environment = {**ours, **ray_environment, **asked}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", START], env=environment, **pipes) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == "up, sees GPUs: ''\n"
        found = listening(marker)
        driver.communicate()
    assert driver.returncode == 0
    assert found
    assert {address for address, _ in found if not is_loopback(address)} == set()
