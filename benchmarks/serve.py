"""What serving costs and survives: ``python -m benchmarks.serve BUNDLE``, ratios of one run.

The service, its clients and what it is held against share the machine's cores. It is not among
what ``python -m benchmarks`` runs: it needs a bundle, and a machine with nothing else to do.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Annotated, Any

import httpx2
import psutil
import typer

from benchmarks.machine import describe_machine
from benchmarks.reach import judge
from benchmarks.section import Section, print_section, verdict_table
from serve.client import Client, ServiceError
from smm4h_core.corpora.sample import sample_split
from smm4h_core.types import Post

OVERLOAD = 8
"""Times what the service can take: polite clients are so many times its places, each of whom asks
again and again; rude ones send so many times the requests that it answers in a second."""
KILL_CLIENTS = 4
"""Clients that ask without a pause while something is killed."""
BATCH = 64
"""Posts of a request where posts per second are measured."""
PLAIN = """
import sys
from pathlib import Path
import uvicorn
from fastapi import FastAPI, Request
from smm4h_core.pipeline import load_pipeline
from smm4h_core.reports import report_to_json
from smm4h_core.types import Post
pipeline, api = load_pipeline(Path(sys.argv[1])), FastAPI()
async def read(request: Request):
    posts = (await request.json())["posts"]
    return [Post(each["post_id"], each["text"]) for each in posts]
from fastapi import Depends
@api.post("/v1/posts")
def answer(posts: list = Depends(read)):
    return {"reports": [report_to_json(each) for each in pipeline.process(posts)]}
uvicorn.run(api, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
"""
"""What a person would write in ten minutes: the same pipeline behind FastAPI and uvicorn."""


@dataclass(slots=True)
class Load:
    """What clients saw."""

    statuses: Counter[str] = field(default_factory=Counter)
    """Answers by status; errors of the connection by name."""
    seconds: list[float] = field(default_factory=list)
    """Of each success."""
    took_s: float = 0.0
    """Of the whole."""

    def per_s(self, posts: int = 1) -> float:
        """Posts answered in a second, at so many a request."""
        return posts * self.statuses["200"] / self.took_s

    def quantile_ms(self, share: float) -> float:
        """Milliseconds within which that share of the successes came."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def load(
    url: str,
    bodies: Sequence[Any],
    *,
    clients: int,
    seconds: float,
    polite: bool = True,
    per_s: float | None = None,
) -> Load:
    """Ask as fast as answers come, or at a pace; polite clients wait as long as a refusal says.

    Args:
        url: The service.
        bodies: What is asked, in turn.
        clients: How many ask; each waits for its answer.
        seconds: How long.
        polite: Whether refusals are heeded.
        per_s: Requests a second, at random moments (a Poisson process), each timed from its
            moment, so that a client who is late to ask counts as waiting; None: no pace.
    """
    seen, lock = Load(), threading.Lock()
    moments = _moments(per_s, seconds)
    begun = time.perf_counter()
    until = begun + seconds

    def ask(first: int) -> None:
        place = first
        # No TLS here: reading certificates for hundreds of clients would be most of the load.
        with httpx2.Client(base_url=url, timeout=60, verify=False) as client:
            while True:
                with lock:
                    started = begun + next(moments, seconds)
                time.sleep(max(0.0, started - time.perf_counter()))
                if per_s is None:
                    started = time.perf_counter()
                if started >= until:
                    return
                wait_s = 0.0
                try:
                    answer = client.post("/v1/posts", json=bodies[place % len(bodies)])
                    status = str(answer.status_code)
                    wait_s = float(answer.headers.get("retry-after", 0))
                except httpx2.TransportError as error:
                    status, wait_s = type(error).__name__, 0.1
                with lock:
                    seen.statuses[status] += 1
                    if status == "200":
                        seen.seconds.append(time.perf_counter() - started)
                if polite and wait_s:
                    time.sleep(min(wait_s, max(0.0, until - time.perf_counter())))
                place += clients

    asking = [threading.Thread(target=ask, args=(n,)) for n in range(clients)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    seen.took_s = time.perf_counter() - begun
    return seen


def _moments(per_s: float | None, seconds: float) -> Iterator[float]:
    """Seconds from the start at which requests are due; without a pace all are due at once."""
    draw, moment = Random(0), 0.0
    while moment < seconds:
        yield moment
        moment += draw.expovariate(per_s) if per_s else 0.0


def kill_under_load(
    url: str, posts: Sequence[Post], choose: Callable[[], list[int]]
) -> dict[str, Any]:
    """Kill processes while our clients ask; say what failed and how long nothing came."""
    failed, asked, stop = 0, 0, threading.Event()
    lock, came = threading.Lock(), [time.perf_counter()]

    def ask() -> None:
        nonlocal failed, asked
        with Client(url) as client:
            while not stop.is_set():
                try:
                    list(client.process(posts[:1]))
                    with lock:
                        came.append(time.perf_counter())
                except ServiceError:
                    failed += 1
                asked += 1

    asking = [threading.Thread(target=ask) for _ in range(KILL_CLIENTS)]
    for each in asking:
        each.start()
    time.sleep(3)
    killed = choose()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    time.sleep(20)
    stop.set()
    for each in asking:
        each.join()
    gaps = [later - earlier for earlier, later in pairwise(came)]
    return {
        "killed": len(killed),
        "asked": asked,
        "failed": failed,
        "longest_gap_s": max(gaps, default=time.perf_counter() - came[0]),
    }


def pids_of(name: str, below: int) -> list[int]:
    """Processes of Ray whose title holds a name, started by this process's Ray."""
    return [
        each.pid
        for each in psutil.Process(below).children(recursive=True)
        if name in " ".join(each.cmdline())
    ]


@contextmanager
def started(
    command: Sequence[str], url: str, *, limit_s: float = 180.0
) -> Iterator[tuple[int, float]]:
    """A service of its own process; its pid, and the seconds until it answered."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, start_new_session=True)  # noqa: S603 - ours
    try:
        while time.perf_counter() - begun < limit_s:
            try:
                body = {"posts": [{"post_id": "1", "text": "seroquel"}]}
                if httpx2.post(f"{url}/v1/posts", json=body, timeout=10).status_code == 200:
                    break
            except httpx2.TransportError:
                pass
            if process.poll() is not None:
                raise typer.Exit(1)
            time.sleep(0.1)
        yield process.pid, time.perf_counter() - begun
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=90)


def measure(bundle: Path, seconds: float) -> Section:
    """Everything, one after another."""
    from smm4h_core.pipeline import load_pipeline

    posts = [each.post for lang in ("en", "ru") for each in sample_split(lang, "train")]
    served = load_pipeline(bundle)
    posts = [Post(str(n), p.text) for n, p in enumerate(posts) if p.lang in served.bundle.languages]
    ones = [{"posts": [{"post_id": p.post_id, "text": p.text}]} for p in posts]
    many = [
        {"posts": [one["posts"][0] for one in ones[n : n + BATCH]]}
        for n in range(0, len(ones) - BATCH + 1, BATCH)
    ]
    loop_per_s = _loop(served, posts, seconds)
    del served
    found: dict[str, Any] = {"loop_posts_per_s": loop_per_s}
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with started([sys.executable, "-c", PLAIN, str(bundle), str(port)], url):
        found["plain_one_per_s"] = load(url, ones, clients=4, seconds=seconds).per_s()
        found["plain_many_per_s"] = load(url, many, clients=4, seconds=seconds).per_s(BATCH)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "ray_jobs", "serve", str(bundle), "--no-auth"]
    with started([*command, "--port", str(port)], url) as (pid, ready_s):
        found["ready_s"] = ready_s
        found["memory_mib"] = memory_of(pid)
        found["many_per_s"] = load(url, many, clients=4, seconds=seconds).per_s(BATCH)
        steady = load(url, ones, clients=4, seconds=seconds)
        found["one_per_s"] = steady.per_s()
        half = load(url, ones, clients=16, seconds=seconds, per_s=steady.per_s() / 2)
        found["half_p50_ms"], found["half_p99_ms"] = half.quantile_ms(0.5), half.quantile_ms(0.99)
        most = int(httpx2.get(f"{url}/v1/limits").json()["in_flight"])
        for name, pace in (("polite", None), ("rude", OVERLOAD * steady.per_s())):
            over = load(
                *(url, ones),
                clients=OVERLOAD * most,
                seconds=seconds,
                polite=name == "polite",
                per_s=pace,
            )
            found[f"{name}_goodput"] = over.per_s() / steady.per_s()
            found[f"{name}_statuses"] = dict(over.statuses)
        found["memory_after_mib"] = memory_of(pid)
        kills = {
            "one replica": lambda: pids_of("ServeReplica:smm4h:Classifier", pid)[:1],
            "all replicas": lambda: pids_of("ServeReplica:smm4h:", pid),
            "controller": lambda: pids_of("ServeController", pid),
            "proxy": lambda: pids_of("ProxyActor", pid),
        }
        found["kills"] = {name: kill_under_load(url, posts, each) for name, each in kills.items()}
    return _section(found)


def _section(found: dict[str, Any]) -> Section:
    failed = sum(each["failed"] for name, each in found["kills"].items() if name != "proxy")
    refused = Counter(found["polite_statuses"]) + Counter(found["rude_statuses"])
    wrong = sum(number for status, number in refused.items() if status not in ("200", "429"))
    verdicts = (
        judge("serve.of_loop", found["many_per_s"] / found["loop_posts_per_s"]),
        judge("serve.of_plain", found["many_per_s"] / found["plain_many_per_s"]),
        judge("serve.tail", found["half_p99_ms"] / found["half_p50_ms"]),
        judge("serve.polite", found["polite_goodput"]),
        judge("serve.rude", found["rude_goodput"]),
        judge("serve.wrong", wrong),
        judge("serve.failed", failed),
        judge("serve.proxy", found["kills"]["proxy"]["longest_gap_s"]),
        judge("serve.ready", found["ready_s"]),
    )
    rows = [
        (name.replace("_", " "), f"{value:.3g}" if isinstance(value, float) else json.dumps(value))
        for name, value in found.items()
    ]
    return Section(
        "Serving",
        ("what", "measured"),
        tuple(rows),
        found,
        notes=(
            "Clients run on the same cores. Not measured here: scaling out and in under load, "
            "memory over twenty minutes.",
        ),
        verdicts=verdicts,
    )


def _loop(pipeline: Any, posts: Sequence[Post], seconds: float) -> float:
    pipeline.process(posts[:BATCH])
    begun, done, place = time.perf_counter(), 0, 0
    while time.perf_counter() - begun < seconds:
        done += len(pipeline.process(posts[place : place + BATCH]))
        place = (place + BATCH) % max(1, len(posts) - BATCH)
    return done / (time.perf_counter() - begun)


def memory_of(pid: int) -> dict[str, int]:
    """MiB of each replica, of the proxy and the controller, and of all that was started."""
    told: Counter[str] = Counter()
    for each in psutil.Process(pid).children(recursive=True):
        try:
            size = each.memory_full_info().uss >> 20
            title = " ".join(each.cmdline())
        except psutil.Error:
            continue
        told["all"] += size
        for name in ("Classifier", "Extractor", "Linker", "Ingress", "ProxyActor", "Controller"):
            if name in title:
                told[name] += size
    return dict(told)


def free_port() -> int:
    """A port of the loopback's that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def main(
    bundle: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A bundle.")],
    seconds: Annotated[float, typer.Option(min=1, help="Of each load.")] = 30.0,
    out: Annotated[Path, typer.Option(help="Folder for serve.json.")] = Path("runs/benchmarks"),
) -> None:
    """Measure serving."""
    machine = describe_machine()
    section = measure(bundle, seconds)
    print_section(section)
    print(f"\n{verdict_table(section.verdicts)}")
    if machine.busy:
        print("\nBusy with something else: these numbers are doubtful.")
    out.mkdir(parents=True, exist_ok=True)
    told = {"machine": asdict(machine), "seconds": seconds, "found": section.data}
    (out / "serve.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
