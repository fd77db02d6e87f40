"""Joining a Ray cluster, or starting one on this machine; what it has, and what fits."""

from __future__ import annotations

import logging
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from smm4h_core.errors import ConfigError, ResourceError

LOCAL_OBJECT_STORE = 128 << 20
"""Bytes; members exchange progress, not arrays, so Ray's default (30 % of memory) is waste."""


UNSAFE = (
    "RAY_DATA_AUTOLOAD_CLOUDPICKLE_TENSOR_METADATA",
    "RAY_DATA_AUTOLOAD_PYEXTENSIONTYPE",
)
"""Environment that reopens CVE-2026-41486: pickles in the metadata of Parquet files."""


@dataclass(frozen=True, slots=True)
class Node:
    """What one machine of the cluster has in all."""

    name: str
    """Its address."""
    cpus: float
    """Cores."""
    gpus: float
    """GPUs."""


@contextmanager
def connected() -> Iterator[None]:
    """Be connected to Ray: the cluster at ``RAY_ADDRESS``, else a new one on this machine.

    Always with token authentication; what is started here listens at loopback alone. A cluster
    that was started here ends with the block; one that was joined is left alone, and so is a
    connection that the caller already had.

    Raises:
        ConfigError: see `refuse_unsafe_environment`.
    """
    refuse_unsafe_environment()
    if "ray" not in sys.modules:
        # Ray reads both once, at import. Later is too late, and ray.init() then sees to the token
        # by itself for a cluster that it starts.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        if not os.environ.get("RAY_ADDRESS"):
            # Not only for those systems: without clusters a node's address is the loopback's.
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Or who claims no GPU would see them all, and compute on the first.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")
    import ray

    if ray.is_initialized():
        yield
        return
    _ensure_private_token()
    if os.environ.get("RAY_ADDRESS"):
        ray.init(log_to_driver=False, logging_level=logging.ERROR)
    else:
        ray.init(
            address="local",
            include_dashboard=False,
            object_store_memory=LOCAL_OBJECT_STORE,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    try:
        yield
    finally:
        ray.shutdown()


def refuse_unsafe_environment() -> None:
    """Refuse an environment in which others could run code on a cluster of ours.

    Raises:
        ConfigError: ``RAY_AUTH_MODE`` asks for no token, or one of `UNSAFE` is set.
    """
    mode = os.environ.get("RAY_AUTH_MODE", "token")
    if mode != "token":
        raise ConfigError(f"RAY_AUTH_MODE: expected token, got {mode}; others could run code here")
    for name in UNSAFE:
        if os.environ.get(name):
            raise ConfigError(f"{name}: expected none; with it a Parquet file could run code here")


def nodes() -> list[Node]:
    """The living machines of the cluster that we are connected to."""
    import ray

    return [
        Node(
            str(node["NodeManagerAddress"]),
            float(node["Resources"].get("CPU", 0)),
            float(node["Resources"].get("GPU", 0)),
        )
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"]
    ]


def count_places(
    available: list[Node], *, cpus: float, gpus: float, who: str = "a member", least: int = 1
) -> int:
    """How many processes of that size the machines hold at once.

    Args:
        available: The machines.
        cpus: Cores of each process, which lie on one machine.
        gpus: GPUs of each; a share below 1 lies on one GPU.
        who: What each process is, in the words of an error.
        least: How many there must be.

    Raises:
        ResourceError: if they could never hold so many, saying what there is. Ray itself would
            wait for ever.
    """
    places = sum(_places_on(node, cpus=cpus, gpus=gpus) for node in available)
    if places < least:
        there = "; ".join(f"{n.name}: {n.cpus:g} CPU, {n.gpus:g} GPU" for n in available)
        room = f", room for {places} of {least}" if places else ""
        raise ResourceError(
            f"resources: {who} asks for {cpus:g} CPU and {gpus:g} GPU on one machine; "
            f"the cluster has {there or 'no machine'}{room}"
        )
    return places


def _places_on(node: Node, *, cpus: float, gpus: float) -> int:
    places = int(node.cpus / cpus)
    if gpus == 0:
        return places
    # A share below 1 lies on one GPU: what is left over on two GPUs does not add up.
    by_gpu = int(node.gpus / gpus) if gpus >= 1 else int(node.gpus) * int(1 / gpus)
    return min(places, by_gpu)


def _ensure_private_token() -> None:
    # Ray writes this file itself when it is missing, but readable by everyone; who reads the
    # token can run code on the cluster.
    if "RAY_AUTH_TOKEN" in os.environ or "RAY_AUTH_TOKEN_PATH" in os.environ:
        return
    path = Path.home() / ".ray" / "auth_token"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        path.chmod(0o600)
        return
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_hex(32))
