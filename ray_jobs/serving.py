"""A bundle served on this machine: start, wait until it answers, change bundles, stop.

Ray Serve is handed an import path, so that the two shells know nothing of each other.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from smm4h_core.bundle import open_bundle, read_manifest
from smm4h_core.errors import ResourceError, Smm4hError

APP = "smm4h"
PARTS = {"classifier": "Classifier", "extractor": "Extractor", "linker": "Linker"}
"""Deployments by the kind of part."""
GPU_BATCH_CHARS = 65_536
"""Code points that a part on a GPU answers together; as in ``tune_configs/serve/gpu.yaml``."""
LOOK_S = 0.2
"""Seconds between two looks at how far it is."""
# A dead proxy is noticed in about 5 s; with Ray's own 10 and 10 it took 25.6 s.
TUNED = {
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
    "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "2",
}
"""Environment of the processes that Ray starts."""
_CAUSE = re.compile(
    r"^(?:[\w.]+\.)?(\w*Error|\w*Exception): (.+(?:\n  (?!File )\S.*)*)$", re.MULTILINE
)
"""An error in a traceback with the lines that belong to it."""


def describe_application(
    bundle: Path,
    *,
    host: str,
    port: int,
    keys: Path | None,
    replicas: int = 1,
    gpus: float = 0,
) -> dict[str, Any]:
    """The configuration for Ray Serve: ``tune_configs/serve/local.yaml`` with this put in.

    Args:
        bundle: To be served; verified here, so that its faults are told before Ray starts.
        host: Address to listen at.
        port: Port to listen at.
        keys: File of keys; None asks for none.
        replicas: The most of each part.
        gpus: Share of one that each replica of a part claims.

    Raises:
        BundleError: saying which file is wrong.
    """
    kinds = open_bundle(bundle).kinds
    text = (files("tune_configs") / "serve" / "local.yaml").read_text(encoding="utf-8")
    told: dict[str, Any] = yaml.safe_load(text)
    told["http_options"] |= {"host": host, "port": port}
    (app,) = told["applications"]
    app["args"] = {"bundle": str(bundle.resolve()), "auth": keys is not None}
    if keys is not None:
        app["args"]["keys"] = str(keys.resolve())
    wanted = {"Ingress", *(name for kind, name in PARTS.items() if kind in kinds)}
    app["deployments"] = [each for each in app["deployments"] if each["name"] in wanted]
    for each in app["deployments"]:
        if each["name"] != "Ingress":
            each["autoscaling_config"]["max_replicas"] = replicas
            each["ray_actor_options"]["num_gpus"] = gpus
            if gpus:
                each["user_config"] = {"batch_chars": GPU_BATCH_CHARS}
    return _with_bundle(told, bundle)


def _with_bundle(told: Mapping[str, Any], bundle: Path) -> dict[str, Any]:
    """The same configuration, its replicas to answer with another bundle."""
    changed: dict[str, Any] = copy.deepcopy(dict(told))
    asked = {"bundle": str(bundle.resolve()), "sha256": read_manifest(bundle)["sha256"]}
    for each in changed["applications"][0]["deployments"]:
        each["user_config"] = {**each.get("user_config", {}), **asked}
    return changed


@contextmanager
def serving(told: Mapping[str, Any], *, timeout_s: float = 300.0) -> Iterator[None]:
    """Serve while the block runs; Ray is connected already. Requests under way are finished.

    Raises:
        ResourceError: the parts do not fit, or it did not come up, with the root cause.
    """
    from ray import serve as ray_serve

    _refuse_what_does_not_fit(told)
    try:
        deploy(told)
        wait_until_serving(timeout_s=timeout_s)
        yield
    finally:
        ray_serve.shutdown()  # type: ignore[no-untyped-call]


def _refuse_what_does_not_fit(told: Mapping[str, Any]) -> None:
    from ray_jobs.cluster import count_places, nodes

    deployments = told["applications"][0]["deployments"]
    parts = [each for each in deployments if each["name"] in PARTS.values()]
    claimed = parts[0]["ray_actor_options"]
    count_places(
        nodes(),
        cpus=claimed["num_cpus"],
        gpus=claimed.get("num_gpus", 0),
        who="each replica of a part",
        least=sum(each["autoscaling_config"]["max_replicas"] for each in parts),
    )


def deploy(told: Mapping[str, Any]) -> None:
    """Hand a configuration to Ray Serve, which goes on by itself."""
    # `serve run FILE` does the same; it has no public form for a program.
    from ray.serve._private.api import serve_start
    from ray.serve.schema import ServeDeploySchema

    schema = ServeDeploySchema.model_validate(dict(told))
    client = serve_start(
        http_options=schema.http_options.model_dump(), proxy_location=schema.proxy_location
    )
    client.deploy_apps(schema)


def change_bundle(told: Mapping[str, Any], bundle: Path) -> dict[str, Any]:
    """Let the replicas take a bundle while they answer; return the configuration in force.

    Raises:
        BundleError: the bundle is broken; nothing was changed.
        ResourceError: a replica refused it, saying why; the old one goes on answering.
    """
    from ray import serve as ray_serve

    open_bundle(bundle)
    changed = _with_bundle(told, bundle)
    deploy(changed)
    wait_until_serving(timeout_s=300.0)
    ingress = ray_serve.get_app_handle(APP)
    refused = ingress.refused.remote().result(timeout_s=30)
    if refused:
        # Who took it shall go back, and who starts later shall not meet it.
        try:
            deploy(told)
            wait_until_serving(timeout_s=300.0)
        except ResourceError as error:
            refused = [*refused, f"and what was in force did not come back: {error}"]
        raise ResourceError(f"{bundle}: not taken, the one before goes on: {'; '.join(refused)}")
    return changed


def wait_until_serving(*, timeout_s: float) -> None:
    """Return when every replica is up.

    Raises:
        ResourceError: it failed, with the root cause, or took too long.
    """
    from ray import serve as ray_serve

    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        app = ray_serve.status().applications.get(APP)
        if app is not None:
            state = str(app.status.value)
            if state == "RUNNING":
                return
            if state in ("DEPLOY_FAILED", "UNHEALTHY"):
                messages = [app.message, *(each.message for each in app.deployments.values())]
                raise ResourceError(f"not served: {root_cause(messages)}")
        time.sleep(LOOK_S)
    raise ResourceError(f"not served after {timeout_s:g} s; see Ray's own status")


def root_cause(messages: list[str]) -> str:
    """The error that began it, out of Ray's tracebacks of tracebacks."""
    ours = {each.__name__ for each in Smm4hError.__subclasses__()}
    found = [match for message in messages for match in _CAUSE.findall(message)]
    for name, words in found:
        if name in ours:
            return "; ".join(line.strip() for line in words.split("\n"))
    wrapped = ("RuntimeError", "RayTaskError", "ActorDiedError")
    for name, words in found:
        if name not in wrapped:
            return f"{name}: {words}"
    return next((message for message in messages if message), "no reason given")
