"""Memory of a service under load, minute by minute: ``python -m benchmarks.serve_soak BUNDLE``.

Clients ask without a pause, requests of 1 to 64 posts in turn, so that batches of every size come.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.command import run_command
from benchmarks.section import Section, print_section
from benchmarks.serve import free_port, load, memory_of, started
from smm4h_core.corpora.sample import sample_split

CLIENTS = 4
SIZES = (1, 1, 1, 2, 4, 8, 16, 32, 64)
NAMES = ("all", "Classifier", "Extractor", "Linker", "Ingress")


def measure(bundle: Path, minutes: float) -> Section:
    """Ask for so long; the memory of each part after every minute."""
    texts = [each.post.text for lang in ("en", "ru") for each in sample_split(lang, "train")]
    draw = random.Random(0)
    bodies: list[Any] = [
        {
            "posts": [
                {"post_id": str(n), "text": text}
                for n, text in enumerate(draw.choices(texts, k=draw.choice(SIZES)))
            ]
        }
        for _ in range(1000)
    ]
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "ray_jobs", "serve", str(bundle), "--no-auth"]
    rows: list[tuple[str, ...]] = []
    with started([*command, "--port", str(port)], url) as (pid, _):
        seen: list[Any] = []
        asking = threading.Thread(
            target=lambda: seen.append(load(url, bodies, clients=CLIENTS, seconds=60 * minutes))
        )
        begun = time.perf_counter()
        asking.start()
        while asking.is_alive():
            told = memory_of(pid)
            minute = (time.perf_counter() - begun) / 60
            rows.append((f"{minute:.1f}", *(str(told.get(name, 0)) for name in NAMES)))
            asking.join(timeout=60)
    statuses = dict(seen[0].statuses)
    return Section(
        f"Memory under load, MiB of each part's own, {minutes:g} minutes",
        ("minute", *NAMES),
        tuple(rows),
        {"rows": rows, "statuses": statuses},
        notes=(f"Answers by status: {statuses}.",),
    )


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def serve_soak(
    bundle: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A bundle.")],
    minutes: Annotated[float, typer.Option(min=1, help="How long.")] = 20.0,
) -> None:
    """Print memory minute by minute."""
    print_section(measure(bundle, minutes))


if __name__ == "__main__":
    run_command(app)
