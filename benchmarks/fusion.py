"""The paper's Table 2 on the embedded encoders: ``python -m benchmarks.fusion [--train]``."""

from __future__ import annotations

import sys
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import typer

from benchmarks.command import run_command
from benchmarks.runs import config_path, finished_run
from benchmarks.section import BenchmarkError
from benchmarks.shuffled_molecules import write_shuffled_molecules
from smm4h_core.config import read_config
from smm4h_core.members.comparison import compare_in_blocks, read_run
from smm4h_core.members.comparison_table import save_comparison
from smm4h_core.members.predictions import SplitName

Corpus = Literal["psytar", "ade2", "rudrec"]
CONTROL = "ade2_cross_attention_shuffled"
ROWS = MappingProxyType[Corpus, tuple[str, ...]](
    {
        "psytar": (
            "psytar_text",
            "psytar_concat",
            "psytar_concat_oversampled",
            "psytar_concat_oversampled_sigmoid",
            "psytar_cross_attention",
            "psytar_gated",
        ),
        "ade2": ("ade2_text_five_seeds", "ade2_concat", "ade2_cross_attention", CONTROL),
        "rudrec": (
            "rudrec_text",
            "rudrec_cross_attention",
            "rudrec_ruen_text",
            "rudrec_ruen_cross_attention",
            "rudrec_ruen_cross_attention_sigmoid",
        ),
    }
)
"""Runs by corpus, the text alone first: the others are held against it."""
SPLITS = MappingProxyType[Corpus, tuple[SplitName, ...]](
    {"psytar": ("test",), "ade2": ("test",), "rudrec": ("test", "oof")}
)
OUT = Path("runs/fusion")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def fusion(
    train: Annotated[
        bool, typer.Option("--train", help="Train what is missing first; a killed one resumes.")
    ] = False,
    only: Annotated[Corpus | None, typer.Option(help="This corpus alone.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key.path=value over each row's YAML.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the tables and pictures.")] = OUT,
) -> None:
    """Print each corpus's table; exit 1 where a row is missing, after printing the others."""
    missing: list[str] = []
    for corpus in (only,) if only else ROWS:
        if train:
            from ray_jobs.run import run_training

            for name in ROWS[corpus]:
                config = read_config(config_path(name), overrides or [])
                if name == CONTROL:
                    write_shuffled_molecules(config)
                run_training(config)
        runs = []
        for name in ROWS[corpus]:
            try:
                runs.append(finished_run(name, overrides or [])[1])
            except BenchmarkError as error:
                missing.append(str(error))
        for split in SPLITS[corpus] if runs else ():
            blocks = compare_in_blocks([read_run(run, split) for run in runs])
            print(save_comparison(blocks, split, out / f"{corpus}_{split}"))
    for line in missing:
        print(line, file=sys.stderr)
    if missing:
        raise typer.Exit(1)


if __name__ == "__main__":
    run_command(app)
