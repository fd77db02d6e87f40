"""``python -m benchmarks``: every measurement, its table, and how far the targets are reached."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import torch
import typer

from benchmarks.machine import Machine, describe_machine
from benchmarks.reach import Verdict
from benchmarks.section import Section, markdown_table, print_section, verdict_table
from smm4h_core.errors import Smm4hError

Name = Literal[
    "results",
    "training_speed",
    "inference_speed",
    "ray_overhead",
    "drug_finder",
    "molecules",
    "ensemble_search",
    "extraction_speed",
    "training_f1",
    "extraction",
    "linking",
    "end_to_end",
    "whole_speed",
    "drug_of",
    "first_answer",
]
USUAL: tuple[Name, ...] = (
    *("results", "training_speed", "inference_speed", "ray_overhead"),
    *("drug_finder", "molecules", "ensemble_search", "extraction_speed", "drug_of", "first_answer"),
)
"""What runs unless asked otherwise; ``training_f1`` trains a whole member at the other loop's
pace, ``extraction`` every baseline on every corpus, ``linking`` encodes every term anew, and
``end_to_end`` and ``whole_speed`` answer with three ensembles."""
OUT, FILE = Path("runs/benchmarks"), "benchmarks.json"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def benchmarks(
    only: Annotated[Name | None, typer.Option(help="Measure this alone.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for benchmarks.json.")] = OUT,
    pairs: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="ADE-Corpus's DRUG-AE.rel, for --only drug_of."
        ),
    ] = None,
) -> None:
    """Measure; exit 1 where something that a measurement needs is missing."""
    if pairs is not None and only != "drug_of":
        raise typer.BadParameter("only drug_of reads pairs", param_hint="--pairs")
    machine = describe_machine()
    torch.set_num_threads(machine.cores)
    print(_describe(machine))

    verdicts: list[Verdict] = []
    measured: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name in (only,) if only else USUAL:
        if sys.stderr.isatty():
            print(f"{name} ...", file=sys.stderr)
        started = time.perf_counter()
        try:
            section = _measure(name, {"pairs": pairs} if pairs else {})
        except Smm4hError as error:
            print(f"{name}: {error}", file=sys.stderr)
            errors[name] = [str(error)]
            continue
        print_section(section)
        if section.missing:
            errors[name] = list(section.missing)
        verdicts += section.verdicts
        measured[name] = {"seconds": time.perf_counter() - started, "found": section.data}
    if verdicts:
        print(f"\n### Reach\n\n{verdict_table(verdicts)}")

    reach = [{**asdict(each), "reached": each.reached} for each in verdicts]
    answer = {"machine": asdict(machine), "reach": reach, "measured": measured, "errors": errors}
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(answer, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (out / FILE).write_text(text, encoding="utf-8")
    if errors:
        raise typer.Exit(1)


def _measure(name: Name, given: Mapping[str, Path]) -> Section:
    # Each part imports only what it measures with.
    measure = cast("Callable[..., Section]", import_module(f"benchmarks.{name}").measure)
    return measure(**given)


def _describe(machine: Machine) -> str:
    rows = [(key.replace("_", " "), str(value)) for key, value in asdict(machine).items()]
    table = markdown_table(("machine", ""), rows)
    return f"{table}\n\nBusy with something else: speeds are doubtful." if machine.busy else table


if __name__ == "__main__":
    app()
