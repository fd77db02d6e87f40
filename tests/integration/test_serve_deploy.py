"""``serve deploy`` by the dashboard of a cluster, with a token, as platform engineers do."""

from __future__ import annotations

import copy
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from serve.client import Client, ServiceError
from smm4h_core.access_keys import add_key
from tests.integration.head import free_ports
from tests.serving import build_whole_bundle, renamed, save_letter_bert

pytestmark = pytest.mark.ray

SERVE = str(Path(sys.executable).with_name("serve"))
LOCAL = Path(__file__).parents[2] / "tune_configs" / "serve" / "local.yaml"
POST = "seroquel made me sleep"
LIMIT_S = 120


def wait_for(what: Callable[[], Any]) -> Any:
    """What is asked for, as soon as there is any; errors of the service mean: not yet."""
    until = time.monotonic() + LIMIT_S
    while True:
        try:
            if found := what():
                return found
        except (ServiceError, httpx2.TransportError):
            pass
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.5)


def all_refuse(states: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return states if all(each["refused"] for each in states) else []


def test_serve_deploy_serves_changes_and_keeps_what_works(
    address: str, environment: dict[str, str], tmp_path: Path
) -> None:
    whole = build_whole_bundle(tmp_path, save_letter_bert(tmp_path / "bert"))
    key = add_key(tmp_path / "keys.json", "tester", ["predict", "admin"])
    (port,) = free_ports(1)
    told = yaml.safe_load(LOCAL.read_text(encoding="utf-8"))
    told["http_options"]["port"] = port
    (app,) = told["applications"]
    app["args"] = {"bundle": str(whole), "keys": str(tmp_path / "keys.json")}

    def deploy(changed: dict[str, Any]) -> None:
        path = tmp_path / "serve.yaml"
        path.write_text(yaml.safe_dump(changed), encoding="utf-8")
        done = subprocess.run(
            [SERVE, "deploy", str(path), "--address", address],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def with_settings(**settings: Any) -> dict[str, Any]:
        changed = copy.deepcopy(told)
        for each in changed["applications"][0]["deployments"]:
            own = {k: v for k, v in settings.items() if k == "bundle" or each["name"] != "Ingress"}
            each["user_config"] = own
        return changed

    deploy(told)
    url = f"http://127.0.0.1:{port}"
    with Client(url, key=key, patience_s=5) as client:
        (report,) = wait_for(lambda: list(client.process([POST], extract_all=True)))
        assert report.bundle == "whole@1"
        assert [each.text for each in report.drugs] == ["seroquel"]
        with Client(url, patience_s=5) as stranger, pytest.raises(ServiceError, match="401"):
            list(stranger.process([POST]))

        newer = renamed(whole, tmp_path / "newer", version="2")
        deploy(with_settings(bundle=str(newer)))
        wait_for(lambda: {each["bundle"] for each in client.state()} == {"whole@2"})

        broken = renamed(whole, tmp_path / "broken", version="3")
        (broken / "README.md").write_text("another", encoding="utf-8")
        deploy(with_settings(bundle=str(broken)))
        states = wait_for(lambda: all_refuse(client.state()))
        assert all("README.md: expected" in each["refused"] for each in states)
        (report,) = client.process([POST])
        assert report.bundle == "whole@2"
