"""The image and the manifests: pinned, without rights, with a token, and true to this code."""

from __future__ import annotations

import importlib
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((ROOT / "deploy" / name).read_text(encoding="utf-8")))


def cluster_of(document: dict[str, Any]) -> dict[str, Any]:
    spec = document["spec"]
    return dict(spec.get("rayClusterConfig") or spec["rayClusterSpec"])


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("rayservice.yaml", ["RayService", "NetworkPolicy"]), ("rayjob.yaml", ["RayJob"])],
)
def test_manifests_run_this_ray_with_a_token_and_without_rights(
    name: str, kinds: list[str]
) -> None:
    found = documents(name)
    assert [each["kind"] for each in found] == kinds
    cluster = cluster_of(found[0])
    assert cluster["rayVersion"] == version("ray")
    assert cluster["authOptions"] == {"mode": "token"}
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    for group in groups:
        pod = group["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        volumes = {each["name"] for each in pod["volumes"]}
        for container in pod["containers"]:
            assert container["image"] == f"smm4h:{version('smm4h')}"
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }
            resources = container["resources"]
            assert resources["limits"] == resources["requests"]
            assert {each["name"] for each in container["volumeMounts"]} <= volumes


def test_only_the_service_s_port_is_open_to_others() -> None:
    _, policy = documents("rayservice.yaml")
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    for rule in policy["spec"]["ingress"]:
        open_to_all = any(each == {"podSelector": {}} for each in rule["from"])
        assert [each["port"] for each in rule.get("ports", ())] == ([8000] if open_to_all else [])


def test_the_job_calls_a_verb_that_there_is() -> None:
    (job,) = documents("rayjob.yaml")
    words = job["spec"]["entrypoint"].split()
    assert words[:2] == ["/opt/venv/bin/python", "-m"]
    app = importlib.import_module(f"{words[2]}.cli").app
    assert words[3] in {
        command.name or command.callback.__name__ for command in app.registered_commands
    }
    assert words[5:] == ["--set", "storage=/data/runs"]


def test_the_image_is_pinned_and_runs_as_nobody() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", bases[0])
    for line in re.findall(r"pip install .*", DOCKERFILE):
        assert "--constraint constraints.txt" in line
    for _, copied in re.findall(r"^COPY (?!--from)((.+) \S+)$", DOCKERFILE, re.MULTILINE):
        assert all((ROOT / name).exists() for name in copied.split())
    packages = ("smm4h_core", "ray_jobs", "serve", "tune_configs")
    assert all(f"COPY {name} {name}" in DOCKERFILE for name in packages)
    user = DOCKERFILE.index("\nUSER 10001:10001\n")
    assert "RUN" not in DOCKERFILE[user:]
    assert "HF_HUB_OFFLINE=1" in DOCKERFILE
    assert "RAY_AUTH_MODE=token" in DOCKERFILE


def test_every_requirement_is_pinned_for_the_image() -> None:
    pinned = {
        re.split(r"[=\[]", line)[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.findall(
        r'^  "([A-Za-z0-9_.-]+)', project.split("dependencies = [")[1].split("]\n")[0], re.MULTILINE
    )
    assert len(wanted) > 20
    assert {name.lower().replace("_", "-") for name in wanted} <= pinned
