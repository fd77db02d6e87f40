"""``ray job submit`` on a cluster that ``ray start --head`` made here, with a token."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from smm4h_core.bundle import verify_bundle
from smm4h_core.config import RunConfig
from tests.integration.head import RAY, list_jobs, refuses_without_token

pytestmark = pytest.mark.ray


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
