"""What the term index costs: built, stored, loaded, asked; and how much of flat search IVF keeps.

``python -m benchmarks.linking_index TABLE`` encodes a terminology's terms and links its own terms,
one letter changed, as mentions. ``--synthetic N`` also makes N vectors around the real ones and
compares the approximate index with flat search on them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import torch
import typer

from benchmarks.command import run_command
from benchmarks.linking_baselines import ENCODER, encode_untuned
from benchmarks.section import Section, print_section
from smm4h_core.encoders.base import LoadedEncoder
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.link.approximate import recall_at_ten
from smm4h_core.link.index import Places, TermIndex, build_term_index, save_term_index
from smm4h_core.link.similarity import Vectors
from smm4h_core.link.source import read_terminology
from smm4h_core.link.terminology import Term
from smm4h_core.storage import open_storage

NUM_MENTIONS = 2000
NUM_QUERIES = 200
NOISE = 0.5
"""Length of the noise on a synthetic vector, beside a term's own of 1: neighbours stay mixed."""

T = TypeVar("T")

# In a process of its own, so that what building took is not counted.
LOAD = """
import sys, time
from pathlib import Path
import faiss, numpy, pyarrow.parquet
from smm4h_core.link.index import load_term_index
def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024
before, started = resident(), time.perf_counter()
index = load_term_index(Path(sys.argv[1]))
seconds = time.perf_counter() - started
index.link(numpy.zeros((64, index.dimension), dtype="f4"))
print(seconds, resident() - before, resident())
"""


def measure_index(table: Path, loaded: LoadedEncoder) -> tuple[Section, Vectors]:
    """Build, save, load and ask the index of a terminology; its vectors come along."""
    terms = read_terminology(str(table), name=table.stem, version="unstated").proposed_terms
    vectors, encode_s = _timed(lambda: encode_untuned(loaded, [each.term for each in terms]))
    index, build_s = _timed(lambda: build_term_index(terms, vectors))
    with tempfile.TemporaryDirectory() as folder:
        _, save_s = _timed(lambda: save_term_index(index, open_storage(folder)))
        size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 2**20
        done = subprocess.run(  # noqa: S603 - our own code, our own interpreter
            [sys.executable, "-c", LOAD, folder], capture_output=True, text=True, check=True
        )
    load_s, taken, resident = map(float, done.stdout.split())
    mentions = _misspell([each.term for each in terms[:: max(1, len(terms) // NUM_MENTIONS)]])
    queries, query_s = _timed(lambda: encode_untuned(loaded, mentions))
    _, search_s = _timed(lambda: index.link(queries))
    numbers: dict[str, float] = {
        "terms": len(terms),
        "encode the terms, s": encode_s,
        "build the index of vectors, s": build_s,
        "save, s": save_s,
        "on disk, MiB": size,
        "load mapped, s": load_s,
        "memory that loading and asking took, MiB": taken,
        "that process in all, MiB": resident,
        "mentions/s, search alone": len(mentions) / search_s,
        "mentions/s, encoding too": len(mentions) / (search_s + query_s),
    }
    rows = tuple((name, f"{value:,.2f}") for name, value in numbers.items())
    section = Section(f"Index of {table.stem}", ("", "measured"), rows, numbers, (_conditions(),))
    return section, vectors


def measure_approximate(vectors: Vectors, *, number: int) -> Section:
    """Compare IVF with flat search on vectors drawn around real ones."""
    rng = np.random.default_rng(0)

    def draw(count: int) -> Vectors:
        noise = rng.standard_normal((count, vectors.shape[1]), dtype=np.float32)
        drawn = vectors[rng.integers(len(vectors), size=count)]
        drawn = drawn + noise * np.float32(NOISE / np.sqrt(vectors.shape[1]))
        return np.ascontiguousarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))

    many, queries = draw(number), draw(NUM_QUERIES)
    terms = [Term(f"C{n}", f"t{n}", "synonym", "en") for n in range(number)]
    true, flat_s = _search(build_term_index(terms, many, kind="flat"), queries)
    ivf, build_s = _timed(lambda: build_term_index(terms, many, kind="ivf"))
    found, ivf_s = _search(ivf, queries)
    single_s = [_search(ivf, query[None])[1] for query in queries]
    numbers: dict[str, float] = {
        "vectors": number,
        "clusters": ivf.index.nlist,
        "probes, chosen by measuring": ivf.index.nprobe,
        "build, s": build_s,
        "recall@10 of flat": recall_at_ten(found, true),
        "ms a query in batch, flat": 1000 * flat_s / NUM_QUERIES,
        "ms a query in batch, IVF": 1000 * ivf_s / NUM_QUERIES,
        "ms a query alone, IVF, median": 1000 * float(np.median(single_s)),
    }
    rows = tuple((name, f"{value:,.3f}") for name, value in numbers.items())
    title = f"{number:,} synthetic vectors"
    return Section(title, ("", "measured"), rows, numbers, (_conditions(),))


def _misspell(texts: Sequence[str]) -> list[str]:
    """Each text with its middle letter changed, so that none is a term."""
    return [f"{text[: len(text) // 2]}x{text[len(text) // 2 + 1 :]}" for text in texts]


def _search(index: TermIndex, queries: Vectors) -> tuple[Places, float]:
    (places, _), seconds = _timed(lambda: index.search(queries, num_terms=10))
    return places, seconds


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    answer = work()
    return answer, time.perf_counter() - started


def _conditions() -> str:
    load = os.getloadavg()[0]
    return f"{torch.get_num_threads()} thread(s); {load:.1f} processes wanted a core just now."


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def linking_index(
    table: Annotated[Path, typer.Argument(help="A .tsv of terms.")],
    encoder: Annotated[str, typer.Option(help="Encoder of the vectors.")] = ENCODER,
    synthetic: Annotated[
        int, typer.Option(help="Synthetic vectors for the approximate index.")
    ] = 0,
) -> None:
    """Print what the index costs."""
    section, vectors = measure_index(table, load_text_encoder(encoder))
    print_section(section)
    if synthetic:
        print_section(measure_approximate(vectors, number=synthetic))


if __name__ == "__main__":
    run_command(app)
