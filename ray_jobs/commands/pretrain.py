"""``smm4h pretrain``: encoders of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ray_jobs.console import notices, print_json, results

if TYPE_CHECKING:
    from smm4h_core.pretraining.config import MoleculeRunConfig
    from smm4h_core.pretraining.train import PretrainingProgress

app = typer.Typer(help="Pretrain encoders.", no_args_is_help=True)


@app.callback()
def _pretrain() -> None:
    """Keep `molecules` a verb of its own while it is the only one."""


@app.command()
def molecules(
    config: Annotated[Path, typer.Argument(help="The run's YAML.", exists=True, dir_okay=False)],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key.path=value, over the YAML; repeatable.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="Also put the encoder into this folder.")
    ] = None,
    inline: Annotated[bool, typer.Option(help="Train in this process, without Ray.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Pretrain the small SMILES encoder. The same command resumes."""
    from smm4h_core.pretraining.config import read_molecule_config
    from smm4h_core.pretraining.train import ENCODER, copy_encoder, finished_pretraining
    from smm4h_core.storage import open_storage

    run_config = read_molecule_config(config, overrides or [])
    run = open_storage(run_config.storage).child(run_config.name)
    if finished_pretraining(run_config, run) is None:
        _train(run_config, inline=inline)
    record = finished_pretraining(run_config, run)
    assert record is not None  # whoever trains it raises, or leaves its record
    if out is not None:
        copy_encoder(run, out)
    location = str(out) if out is not None else f"{run.root}/{ENCODER}"
    if json:
        print_json({"run": run.root, "encoder": location, **record})
        return
    line = results()
    line.print(
        f"{run_config.name}: {record['num_parameters'] / 1e6:.1f} M parameters, "
        f"trained in {record['train_s']:.0f} s"
    )
    line.print(
        f"restores {record['accuracy']:.1%} of the hidden tokens of {record['num_held_out']} drugs "
        f"not trained on; untrained {record['accuracy_untrained']:.1%}, "
        f"always the commonest token {record['accuracy_unigram']:.1%}"
    )
    line.print(f"run      {run.root}", markup=False)
    line.print(f"encoder  {location}", markup=False)


def _train(config: MoleculeRunConfig, *, inline: bool) -> None:
    with _shown(config.name) as show:
        if inline:
            from smm4h_core.pretraining.train import pretrain_molecules
            from smm4h_core.storage import open_storage

            run = open_storage(config.storage).child(config.name)
            pretrain_molecules(config, run, on_progress=show)
            return
        from ray_jobs.cluster import connected, count_places, nodes

        with connected():
            from ray_jobs.pretrain import pretrain_on_cluster  # imports Ray: not before connecting

            count_places(nodes(), cpus=config.resources.cpus, gpus=config.resources.gpus)
            pretrain_on_cluster(config, lambda word: show(word.progress))


@contextmanager
def _shown(name: str) -> Iterator[Callable[[PretrainingProgress | None], None]]:
    """A function that shows where the run stands; nothing where stderr is no terminal."""
    console = notices()
    if not console.is_terminal:
        yield lambda _progress: None
        return
    with console.status(f"{name}: starting") as status:

        def show(progress: PretrainingProgress | None) -> None:
            if progress is not None:
                status.update(f"{name}: {_described(progress)}")

        yield show


def _described(progress: PretrainingProgress) -> str:
    words = (
        f"epoch {min(progress.epoch + 1, progress.epochs)} of {progress.epochs}, "
        f"step {progress.step} of {progress.steps}"
    )
    if progress.loss is None or progress.accuracy is None:
        return words
    return f"{words}; loss {progress.loss:.3f}, accuracy {progress.accuracy:.1%}"
