"""Seconds until `smm4h extract` shows an answer, and `smm4h --help` its list, as a user waits."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.reach import judge
from benchmarks.rounds import Spread, spread_of
from benchmarks.section import BenchmarkError, Section

NUM_CALLS = 5
ENGLISH = "seroquel made me sleep 14 hours and my arms went numb"
RUSSIAN = "от сероквеля я спала 14 часов, и у меня онемели руки"
CALLS = {
    "an English text": ("extract", ENGLISH),
    "a Russian text": ("extract", RUSSIAN),
    "--help": ("--help",),
}


def measure(num_calls: int = NUM_CALLS) -> Section:
    """Call each in turn, in processes of their own; a first call of each is not counted.

    Raises:
        BenchmarkError: a call fails.
    """
    waited: dict[str, list[float]] = {name: [] for name in CALLS}
    for number in range(num_calls + 1):
        for name, arguments in CALLS.items():
            seconds = seconds_to_first_line(arguments)
            if number:
                waited[name].append(seconds)
    spreads: dict[str, Spread] = {name: spread_of(each) for name, each in waited.items()}
    return Section(
        title=f"The first answer: seconds to its first line, {num_calls} calls in turn",
        headings=("asked for", "seconds"),
        rows=tuple((name, str(each)) for name, each in spreads.items()),
        notes=("Median (least to greatest); from the start of the process, files read before.",),
        verdicts=(
            judge("first.english", spreads["an English text"].median),
            judge("first.russian", spreads["a Russian text"].median),
            judge("first.help", spreads["--help"].median),
        ),
        data={name: asdict(each) for name, each in spreads.items()},
    )


def seconds_to_first_line(arguments: Sequence[str]) -> float:
    """Seconds from starting ``smm4h`` to the first line on its standard output.

    Raises:
        BenchmarkError: it fails, or says nothing.
    """
    started = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own code, our own interpreter
        [sys.executable, "-m", "ray_jobs", *arguments], stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        seconds = time.perf_counter() - started
        running.stdout.read()
    if running.returncode or not line:
        raise BenchmarkError(f"smm4h {arguments[0]}: ended with {running.returncode}")
    return seconds
