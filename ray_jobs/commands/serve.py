"""``smm4h serve``: a bundle's answers over HTTP on this machine, with a page."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated

import typer

from ray_jobs.cluster import connected, refuse_unsafe_environment
from ray_jobs.commands.bundle_argument import BundleArgument
from ray_jobs.console import notices
from smm4h_core.errors import ConfigError, Smm4hError
from smm4h_core.packaged import STARTER


def serve(
    bundle: BundleArgument = Path(STARTER),
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8000,
    keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ask for keys; `smm4h keys add` writes the file."),
    ] = None,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Ask for no key; at a loopback address alone.")
    ] = False,
    replicas: Annotated[int, typer.Option(min=1, max=64, help="The most of each part.")] = 1,
    gpus: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a GPU for each replica of a part.")
    ] = 0,
) -> None:
    """Serve until interrupted; a hang-up signal reads the bundle anew while it answers."""
    _check_access(host, keys, no_auth)
    import signal

    from ray_jobs.serving import TUNED, change_bundle, describe_application, serving

    told = describe_application(
        bundle, host=host, port=port, keys=keys, replicas=replicas, gpus=gpus
    )
    arrived: SimpleQueue[int] = SimpleQueue()

    def tell(number: int, _: object) -> None:
        arrived.put(number)

    # Handlers and not `sigwait`: whichever of Ray's threads a signal meets, it gets here. A hang-up
    # may come as soon as the service answers, before this process knows that it does.
    signal.signal(signal.SIGHUP, tell)
    os.environ.update({name: os.environ.get(name, value) for name, value in TUNED.items()})
    with connected(), serving(told):
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, tell)
        notices().print(f"http://{host}:{port}  (stop: Ctrl-C; new bundle: kill -HUP)")
        while arrived.get() == signal.SIGHUP:
            try:
                told = change_bundle(told, bundle)
                notices().print(f"{bundle}: taken", markup=False)
            except Smm4hError as error:
                notices().print(f"error: {error}", markup=False)
        notices().print("finishing what is under way")


def _check_access(host: str, keys: Path | None, no_auth: bool) -> None:
    refuse_unsafe_environment()
    if address := os.environ.get("RAY_ADDRESS"):
        raise ConfigError(
            f"RAY_ADDRESS: expected none, got {address}; `smm4h serve` is a service of this "
            "machine, which would take the cluster's place of one: there, use `serve deploy`"
        )
    if no_auth == (keys is not None):
        raise typer.BadParameter(
            "expected a file of keys, or --no-auth at a loopback address", param_hint="--keys"
        )
    if no_auth and not _is_loopback(host):
        raise typer.BadParameter(
            f"{host}: others reach this address; give --keys", param_hint="--no-auth"
        )
    if keys is not None:
        from smm4h_core.access_keys import read_keys

        if not read_keys(keys):
            raise typer.BadParameter(f"{keys}: holds no key", param_hint="--keys")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
