"""The drug finder on one core: posts per second, how much it finds, loading time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.reach import judge
from benchmarks.rounds import Spread, spread_of
from benchmarks.runs import CORPORA, config_path
from benchmarks.section import BenchmarkError, Section
from smm4h_core.config import read_config
from smm4h_core.corpora.source import read_source
from smm4h_core.drugs.finder import DrugFinder, load_finder
from smm4h_core.errors import DataError
from smm4h_core.types import Post

NUM_ROUNDS = 5
HEADINGS = (
    "corpus",
    "posts",
    "name a drug",
    "mentions",
    "posts/s, first words",
    "posts/s, new posts",
    "posts/s, same posts",
)
NOTES = (
    "Train and dev posts, in order, on one core; median (least to greatest) over rounds, each "
    "with a finder of its own. First words: the first half, every word yet unseen. New posts: the "
    "second half after it. Same posts: the second half again.",
)
_LOAD = """
import json, sys, time
def memory(key):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(key))
bare = memory("VmRSS")
import numpy, pyarrow.parquet
from smm4h_core.drugs.finder import load_finder
imported = memory("VmRSS")
started = time.process_time()  # one thread; as in _rate
finder = load_finder()
load_s = time.process_time() - started
found = [m.name for m in finder.find("on seroquel, cymbalta and феназепам")]
json.dump({"load_s": load_s, "bare_mib": bare, "imports_mib": imported - bare,
           "finder_mib": memory("VmRSS") - imported, "peak_mib": memory("VmHWM") - imported,
           "found": found}, sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast one corpus went, and what was found in it."""

    num_posts: int
    """Posts searched."""
    share: float
    """Share of them with a mention or more."""
    num_mentions: int
    """Mentions in all."""
    first: Spread
    """Posts per second of the first half, with a fresh finder."""
    new: Spread
    """Of the second half, after it."""
    same: Spread
    """Of the second half again."""


def measure(num_rounds: int = NUM_ROUNDS) -> Section:
    """Load and search, and load in fresh processes for time and memory.

    Raises:
        BenchmarkError: no corpus is there, or a fresh process fails.
    """
    speeds: dict[str, Speed] = {}
    missing = []
    for name in CORPORA:
        try:
            speeds[name] = measure_speed(read_posts(name), num_rounds)
        except DataError as error:
            missing.append(str(error))
    if not speeds:
        raise BenchmarkError("\n".join(missing))
    loads = [load_in_fresh_process() for _ in range(num_rounds)]
    load = {key: median(each[key] for each in loads) for key in loads[0] if key != "found"}
    return Section(
        title=f"Drug finder: {num_rounds} rounds",
        headings=HEADINGS,
        rows=tuple(_cells(CORPORA[name], speed) for name, speed in speeds.items()),
        notes=(
            *NOTES,
            f"Loading takes {load['load_s']:.2f} s of a core in a fresh process (median), imports "
            f"apart, and {load['finder_mib']:.0f} MiB (peak {load['peak_mib']:.0f} MiB) beside the "
            f"{load['imports_mib']:.0f} MiB of what it imports, numpy and pyarrow.",
        ),
        missing=tuple(missing),
        verdicts=(
            judge("drugs.speed", min(speed.new.median for speed in speeds.values())),
            judge("drugs.load", load["load_s"]),
            judge("drugs.memory", load["finder_mib"] + load["imports_mib"]),
        ),
        data={"speeds": {name: asdict(each) for name, each in speeds.items()}, "loads": loads},
    )


def read_posts(name: str) -> list[Post]:
    """A run's train and dev posts.

    Raises:
        DataError: the corpus is not there.
    """
    config = read_config(config_path(name))
    refs = (*config.data.train, *config.data.dev)
    root = Path(config.data.root)
    return [
        each.post for ref in refs for each in read_source(ref.path, config.task, ref.lang, root)
    ]


def measure_speed(posts: Sequence[Post], num_rounds: int) -> Speed:
    """Search the posts, half by half, with a fresh finder each round."""
    half = len(posts) // 2
    rates = []
    for _ in range(num_rounds):
        finder = load_finder()
        halves = posts[:half], posts[half:], posts[half:]
        rates.append([_rate(finder, part) for part in halves])
    counts = [len(finder.find(post.text, lang=post.lang)) for post in posts]
    first, new, same = (spread_of(column) for column in zip(*rates, strict=True))
    share = sum(map(bool, counts)) / len(counts)
    return Speed(len(posts), share, sum(counts), first, new, same)


def load_in_fresh_process() -> dict[str, Any]:
    """Seconds and MiB that loading takes where nothing of ours is imported yet.

    Raises:
        BenchmarkError: the process fails, as where the system does not tell a process's memory.
    """
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _LOAD], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = done.stderr.strip().rpartition("\n")[2]
        raise BenchmarkError(f"loading in a fresh process failed: {last}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _rate(finder: DrugFinder, posts: Sequence[Post]) -> float:
    started = time.process_time()  # what other processes take of the core is none of its business
    for post in posts:
        finder.find(post.text, lang=post.lang)
    return len(posts) / (time.process_time() - started)


def _cells(corpus: str, speed: Speed) -> tuple[str, ...]:
    return (
        corpus,
        f"{speed.num_posts:,}",
        f"{speed.share:.1%}",
        f"{speed.num_mentions:,}",
        str(speed.first),
        str(speed.new),
        str(speed.same),
    )
