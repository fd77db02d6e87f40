"""The files for `serve deploy` are what Ray Serve and the builder take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.serve.schema import ServeDeploySchema

from ray_jobs.serving import GPU_BATCH_CHARS
from serve.app import NAMES
from serve.limits import Limits
from serve.settings import Args, FrontSettings, PartSettings

FOLDER = Path(__file__).parents[2] / "tune_configs" / "serve"
FILES = sorted(FOLDER.glob("*.yaml"))
MANIFEST = FOLDER.parents[1] / "deploy" / "rayservice.yaml"


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def in_kuberay() -> dict[str, Any]:
    service, _ = yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8"))
    return yaml.safe_load(service["spec"]["serveConfigV2"])


def everything() -> dict[str, dict[str, Any]]:
    return {path.stem: read(path) for path in FILES} | {"kuberay": in_kuberay()}


def test_there_is_one_for_each_place() -> None:
    assert set(everything()) == {"local", "cluster", "gpu", "kuberay"}


@pytest.mark.parametrize("name", ["local", "cluster", "gpu", "kuberay"])
def test_file_is_what_ray_serve_and_the_builder_take(name: str) -> None:
    told = everything()[name]
    (app,) = ServeDeploySchema.model_validate(told).applications
    assert (app.import_path, app.route_prefix) == ("serve.app:build_app", "/")
    args = Args.model_validate(app.args)
    by_name = {each["name"]: each for each in told["applications"][0]["deployments"]}
    assert set(by_name) == {"Ingress", *NAMES.values()}
    for deployment, settings in by_name.items():
        assert "autoscaling_config" in settings
        kind = FrontSettings if deployment == "Ingress" else PartSettings
        kind.model_validate(settings.get("user_config", {}))
    if "http_options" in told:
        assert told["http_options"]["request_timeout_s"] > args.limits.timeout_s
        reached = told["http_options"]["host"] != "127.0.0.1"
        assert args.auth or not reached


def test_parts_on_a_gpu_take_the_same_batches_by_either_command() -> None:
    (app,) = read(FOLDER / "gpu.yaml")["applications"]
    told = {each["name"]: each.get("user_config", {}) for each in app["deployments"]}
    assert {told[name]["batch_chars"] for name in NAMES.values()} == {GPU_BATCH_CHARS}


def test_the_ingress_refuses_before_ray_serve_does() -> None:
    from serve.app import INGRESS_OPTIONS

    assert INGRESS_OPTIONS["max_ongoing_requests"] > Limits().in_flight
    assert INGRESS_OPTIONS["max_queued_requests"] > 0
    assert INGRESS_OPTIONS["backpressure_config"].status_code == 429
