"""What ten members cost beside one: ``python -m benchmarks.member_memory BUNDLE...``.

Each bundle's classifier is loaded twice, each time in a process of its own: with its first seed,
and with all. Members that are adapters share the encoder.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.command import run_command
from benchmarks.reach import judge
from benchmarks.section import Section, print_section
from smm4h_core.bundle import CLASSIFIER, open_bundle
from smm4h_core.errors import BundleError
from smm4h_core.model_card import kind_of

# torch and the classes that load are there before: what libraries take is not the members'.
LOAD = """
import sys
from pathlib import Path
import torch, transformers, peft
from smm4h_core.bundle import open_bundle
from smm4h_core.classify.part import load_classifier
from smm4h_core.encoders import _huggingface, use_multilingual
def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024
folder, name, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
opened = open_bundle(folder)
config = opened.configs[name]
seeds = config.ensemble.seeds[:number]
config = config.model_copy(
    update={"ensemble": config.ensemble.model_copy(update={"seeds": seeds})}
)
before = resident()
part = load_classifier(config, dict(opened.manifest["parts"][name]["rule"]), folder / name)
weights = {
    each.untyped_storage().data_ptr(): each.untyped_storage().nbytes()
    for seed in part.networks for network in seed for each in network.state_dict().values()
}
print(resident() - before, sum(weights.values()) / 2**20)
"""


@dataclass(frozen=True, slots=True)
class Memory:
    """What loading some members took."""

    resident_mib: float
    """Memory of the process beyond what it held before."""
    weights_mib: float
    """Weights alone, shared ones once."""


def measure_members(folder: Path, number: int) -> Memory:
    """Load the first so many seeds of a bundle's one classifier.

    Raises:
        BundleError: it has none, or several.
    """
    names = [name for name in open_bundle(folder).configs if kind_of(name) == CLASSIFIER]
    if len(names) != 1:
        raise BundleError(f"{folder}: expected one classifier, got {len(names)}")
    done = subprocess.run(  # noqa: S603 - our own code, our own interpreter
        [sys.executable, "-c", LOAD, str(folder), *names, str(number)],
        capture_output=True,
        text=True,
        check=True,
    )
    resident, weights = map(float, done.stdout.split())
    return Memory(resident, weights)


def measure(bundles: list[Path]) -> Section:
    """Hold all members of each bundle against its first."""
    rows, data, verdicts = [], {}, []
    for folder in bundles:
        (config,) = {each.name: each for each in open_bundle(folder).configs.values()}.values()
        one = measure_members(folder, 1)
        number = len(config.ensemble.seeds)
        several = measure_members(folder, number)
        ratio = several.resident_mib / one.resident_mib
        rows.append(
            (
                config.name,
                str(number),
                f"{one.weights_mib:.0f}",
                f"{several.weights_mib:.0f}",
                f"{one.resident_mib:.0f}",
                f"{several.resident_mib:.0f}",
                f"{ratio:.2f}",
            )
        )
        data[config.name] = ratio
        if config.encoder.adapter is not None and number >= 10:
            verdicts.append(judge("adapters.memory", ratio))
    return Section(
        "Memory of members, MiB",
        ("run", "seeds", "weights of one", "of all", "process for one", "for all", "ratio"),
        tuple(rows),
        data,
        notes=("Processes: what loading added, libraries loaded before.",),
        verdicts=tuple(verdicts),
    )


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def member_memory(
    bundles: Annotated[list[Path], typer.Argument(metavar="BUNDLE...", exists=True)],
) -> None:
    """Print what all members of bundles take beside their first."""
    section = measure(bundles)
    print_section(section)
    for each in section.verdicts:
        print(f"{each.target.meaning}: {'reached' if each.reached else 'not reached'}")


if __name__ == "__main__":
    run_command(app)
