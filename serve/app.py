"""The application for Ray Serve: ``import_path: serve.app:build_app``.

Nothing here imports torch: the parts load it in their own processes, the ingress never does.
Answers go from the extractor to the linker without coming by the ingress.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator, Mapping
from pathlib import Path
from typing import Any

from ray import serve as ray_serve
from ray.exceptions import RayActorError
from ray.serve.config import AutoscalingConfig, BackpressureConfig
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle
from starlette.types import ASGIApp

from serve.faults import RequestError
from serve.graph import Ask, Graph
from serve.key_file import KeyFile
from serve.limits import Limits
from serve.messages import Answer, Asked
from serve.metrics import Metrics
from serve.settings import Args, FrontSettings, Kind, PartSettings, read_settings
from serve.shelf import MissingBundleError
from smm4h_core.bundle import open_bundle
from smm4h_core.errors import ConfigError

NAMES: dict[Kind, str] = {
    "classifier": "Classifier",
    "extractor": "Extractor",
    "linker": "Linker",
}
"""Deployments by the kind of part that they hold."""
STATE_S = 5.0
"""Seconds in which a part has to say how it is; the first call finds its replicas, too."""
_LIVES: dict[str, Any] = {
    "health_check_period_s": 5,
    "health_check_timeout_s": 30,
    "graceful_shutdown_timeout_s": 30,
    "graceful_shutdown_wait_loop_s": 1,
    # A bundle that does not load will not load the third time either.
    "max_constructor_retry_count": 1,
}
PART_OPTIONS: dict[str, Any] = {
    **_LIVES,
    "max_ongoing_requests": 64,
    "max_queued_requests": 256,
    "ray_actor_options": {"num_cpus": 1},
    "autoscaling_config": AutoscalingConfig(
        min_replicas=1, max_replicas=2, target_ongoing_requests=16, upscale_delay_s=10,
        downscale_delay_s=120,
    ),
}  # fmt: skip
INGRESS_OPTIONS: dict[str, Any] = {
    **_LIVES,
    # Above `Limits.in_flight`, so that the ingress itself refuses, in the interface's own words,
    # and has room for health checks while it does.
    "max_ongoing_requests": 128,
    "max_queued_requests": 128,
    "backpressure_config": BackpressureConfig(status_code=429, retry_after_s=1),
    "ray_actor_options": {"num_cpus": 0.2},
    "autoscaling_config": AutoscalingConfig(
        min_replicas=1, max_replicas=2, target_ongoing_requests=48, upscale_delay_s=10,
        downscale_delay_s=120,
    ),
}  # fmt: skip


class PartDeployment:
    """One kind of a bundle's parts behind a handle; `serve.part.PartServer` does the work."""

    def __init__(self, kind: Kind, bundle: str) -> None:
        from serve.part import PartServer

        self._server = PartServer(kind, Path(bundle))

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Take a ``user_config``; Ray Serve calls it after the constructor, too."""
        await self._server.reconfigure(user_config)

    async def answer(self, asked: Asked, found: Answer | None = None) -> Answer:
        """See `serve.part.PartServer.answer`."""
        return await self._server.answer(asked, found)

    async def state(self) -> dict[str, Any]:
        """See `serve.part.PartServer.state`."""
        return self._server.state()

    def check_health(self) -> None:
        """See `serve.part.PartServer.check_health`."""
        self._server.check_health()


@ray_serve.ingress()
class IngressDeployment:
    """HTTP and the graph; holds no network."""

    def __init__(
        self,
        bundle: str,
        keys: str | None,
        limits: dict[str, Any],
        **parts: DeploymentHandle[Any],
    ) -> None:
        from serve.service import Service

        self._limits = Limits.model_validate(limits)
        asks = {kind: _ask(parts[kind]) for kind in NAMES if kind in parts}
        # `reconfigure` loads what is to answer: the bundle of the beginning may be long gone.
        graph = Graph(Path(bundle), asks, lost=(RayActorError,))

        async def ask_states() -> list[dict[str, Any]]:
            async with asyncio.timeout(STATE_S):
                states = [handle.state.remote() for handle in parts.values()]
                return list(await asyncio.gather(*states))

        replica = ray_serve.get_replica_context().replica_id.unique_id
        self._service = Service(
            graph=graph,
            limits=self._limits,
            keys=KeyFile(Path(keys)).read if keys else None,
            metrics=Metrics(replica),
            ask_states=ask_states,
        )

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """Called by Ray Serve after the constructor."""
        from serve.api import build_api

        return build_api(self._service)

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Take a ``user_config``."""
        graph = self._service.graph
        try:
            settings = read_settings(FrontSettings, user_config)
        except ConfigError as error:
            if not graph.shelf.held:
                raise
            graph.shelf.refused = str(error)  # an error here would end this replica
            return
        await asyncio.to_thread(graph.use, settings.bundle, settings.sha256)
        self._service.limits = settings.limits or self._limits

    async def check_health(self) -> None:
        """Raise where this replica should be replaced; a loop that is stuck does not get here.

        Raises:
            RuntimeError: it holds no bundle.
        """
        if not self._service.graph.shelf.held:
            raise RuntimeError("Ingress: no bundle is held")

    async def refused(self) -> list[str]:
        """Why the last change did not happen, here or at a part; nothing where it did."""
        states = await self._service.ask_states()
        told = [self._service.graph.shelf.refused, *(each["refused"] for each in states)]
        return [each for each in told if each]


def build_app(told: Mapping[str, Any]) -> ray_serve.Application:
    """The deployments of a bundle, bound to each other.

    Args:
        told: What a file's ``args`` say, as `serve.settings.Args`. Ray Serve would make them one
            itself, did it read annotations that are strings.

    Raises:
        BundleError: saying which file is wrong; whatever was deployed before goes on.
        ConfigError: keys are asked for and there is no file of them.
    """
    args = Args.model_validate(told)
    opened = open_bundle(args.bundle)
    if args.auth and args.keys is None:
        raise ConfigError(
            "keys: expected a file that `smm4h keys add` wrote; `auth: false` asks for no key and "
            "is for addresses that no other machine can reach"
        )
    bundle = str(args.bundle)
    part = ray_serve.deployment(**PART_OPTIONS)(PartDeployment)
    parts = {
        kind: part.options(name=name, user_config=PartSettings().model_dump(mode="json")).bind(
            kind, bundle
        )
        for kind, name in NAMES.items()
        if kind in opened.kinds
    }
    ingress = ray_serve.deployment(
        name="Ingress", user_config=FrontSettings().model_dump(mode="json"), **INGRESS_OPTIONS
    )(IngressDeployment)
    keys = str(args.keys) if args.auth else None
    return ingress.bind(bundle, keys, args.limits.model_dump(), **parts)


class _Asking:
    """An answer under way, which another part may be handed before it is there."""

    def __init__(self, response: Any) -> None:
        self.response = response

    def __await__(self) -> Generator[Any, None, Answer]:
        return _answered(self.response).__await__()


def _ask(handle: DeploymentHandle[Any]) -> Ask:
    """A handle as `serve.graph` takes it."""

    def ask(asked: Asked, found: Awaitable[Answer] | None = None, /) -> Awaitable[Answer]:
        if found is None:
            return _Asking(handle.answer.remote(asked))
        assert isinstance(found, _Asking)
        return _Asking(handle.answer.remote(asked, found.response))

    return ask


async def _answered(response: Awaitable[Answer]) -> Answer:
    """The answer; Ray's errors become the interface's."""
    try:
        return await response
    except BackPressureError:
        full = "the models have all that they can take"
        raise RequestError("overloaded", full, retry_after_s=1) from None
    except DeploymentUnavailableError:
        raise RequestError("not_ready", "a part is not there", retry_after_s=1) from None
    except Exception as error:
        for each in (error, error.__cause__, getattr(error, "cause", None)):
            if isinstance(each, MissingBundleError):
                raise MissingBundleError(*each.args) from None
        raise
