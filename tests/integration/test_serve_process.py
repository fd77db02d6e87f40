"""``smm4h serve`` as a process: it answers, takes hang-ups however early, and ends when asked."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

pytestmark = pytest.mark.ray


def test_hang_ups_are_taken_and_a_termination_ends_well(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    log = tmp_path / "log"
    command = [sys.executable, "-m", "ray_jobs", "serve", "--no-auth"]  # the starter
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--port", str(port)], stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + 90
        while not _is_ready(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        process.send_signal(signal.SIGHUP)  # before the process itself knows that it serves
        process.send_signal(signal.SIGHUP)
        answer = httpx2.post(f"{url}/v1/posts", json={"text": "seroquel made me sleep"}, timeout=60)
        assert answer.status_code == 200
        while "taken" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        process.terminate()
        assert process.wait(timeout=60) == 0
        assert "finishing what is under way" in log.read_text()
    finally:
        process.kill()
        process.wait()


def _is_ready(url: str) -> bool:
    try:
        return bool(httpx2.get(f"{url}/readyz", timeout=5).status_code == 200)
    except httpx2.TransportError:
        return False
