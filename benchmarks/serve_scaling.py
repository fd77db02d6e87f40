"""One replica, two, and one again, under load: ``python -m benchmarks.serve_scaling BUNDLE``.

The classifier scales by what waits for it. Clients ask without a pause until there are two of it,
then one of them asks now and then until there is one; every request must be answered.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.command import run_command
from benchmarks.section import Section, print_section
from benchmarks.serve import free_port
from ray_jobs.cluster import connected
from ray_jobs.serving import APP, describe_application, serving
from serve.client import Client, ServiceError
from smm4h_core.corpora.sample import sample_split
from smm4h_core.types import Post

SCALED = "Classifier"
SCALING = {
    "min_replicas": 1,
    "max_replicas": 2,
    "target_ongoing_requests": 2,
    "upscale_delay_s": 2,
    "downscale_delay_s": 10,
    "metrics_interval_s": 1,
    "look_back_period_s": 4,
}
"""Of the classifier; hastier than what is shipped, so that nobody waits for minutes."""
CLIENTS = 12
LIMIT_S = 150.0
"""Seconds in which each change must come."""


def measure(bundle: Path) -> Section:
    """Scale out and in; say how long each took and what failed."""
    posts = [each.post for each in sample_split("en", "train")]
    port = free_port()
    told = describe_application(bundle, host="127.0.0.1", port=port, keys=None)
    for each in told["applications"][0]["deployments"]:
        each["ray_actor_options"] = {**each.get("ray_actor_options", {}), "num_cpus": 0.1}
        if each["name"] == SCALED:
            each["autoscaling_config"] = SCALING
    counts = {"answered": 0, "failed": 0}
    with connected(), serving(told):
        url = f"http://127.0.0.1:{port}"
        pause_s = [0.0]
        stop = threading.Event()
        asking = [
            threading.Thread(target=_ask, args=(url, posts, counts, pause_s, stop, number))
            for number in range(CLIENTS)
        ]
        for each in asking:
            each.start()
        out_s = _wait(lambda: _running() == 2)
        busy = dict(counts)
        pause_s[0] = 2.0 * CLIENTS
        in_s = _wait(lambda: _running() == 1)
        stop.set()
        for each in asking:
            each.join()
    rows = (
        ("seconds to two replicas", _seconds(out_s)),
        ("seconds back to one", _seconds(in_s)),
        ("requests answered until there were two", str(busy["answered"])),
        ("requests answered in all", str(counts["answered"])),
        ("requests failed", str(counts["failed"])),
    )
    return Section(
        "Scaling out and in", ("", "measured"), rows, {**counts, "out_s": out_s, "in_s": in_s}
    )


def _ask(
    url: str,
    posts: list[Post],
    counts: dict[str, int],
    pause_s: list[float],
    stop: threading.Event,
    number: int,
) -> None:
    place = number
    with Client(url) as client:
        while not stop.is_set():
            try:
                list(client.process([posts[place % len(posts)]]))
                counts["answered"] += 1
            except ServiceError:
                counts["failed"] += 1
            place += CLIENTS
            stop.wait(pause_s[0])


def _running() -> int:
    from ray import serve as ray_serve

    deployment: Any = ray_serve.status().applications[APP].deployments[SCALED]
    return int(deployment.replica_states.get("RUNNING", 0))


def _wait(until: Callable[[], bool]) -> float | None:
    begun = time.perf_counter()
    while time.perf_counter() - begun < LIMIT_S:
        if until():
            return time.perf_counter() - begun
        time.sleep(0.2)
    return None


def _seconds(took: float | None) -> str:
    return f"not within {LIMIT_S:.0f}" if took is None else f"{took:.1f}"


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def serve_scaling(
    bundle: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A bundle.")],
) -> None:
    """Print how long scaling took and what failed."""
    print_section(measure(bundle))


if __name__ == "__main__":
    run_command(app)
