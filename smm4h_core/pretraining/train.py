"""One run that pretrains a molecule encoder, from configuration to a Hugging Face folder."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pyarrow import fs

from smm4h_core.encoders.base import Tokeniser
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.encoders.precision import choose_device, choose_dtype
from smm4h_core.errors import TrainingError
from smm4h_core.pretraining.batches import Alphabet, EpochBatches, examination
from smm4h_core.pretraining.config import MoleculeRunConfig, pretraining_digest
from smm4h_core.pretraining.evaluate import commonest_token, masked_accuracy, unigram_accuracy
from smm4h_core.pretraining.molecules import MoleculeSource, read_molecules
from smm4h_core.pretraining.network import (
    build_pretrainer,
    pretraining_loss,
    save_encoder,
)
from smm4h_core.pretraining.tokeniser import SPECIAL, build_smiles_tokeniser
from smm4h_core.storage import Storage
from smm4h_core.training.checkpoint import CheckpointFile
from smm4h_core.training.fit import EpochReport, fit
from smm4h_core.training.optimisation import build_optimiser, build_schedule

RECORD = "pretraining.json"
"""Written last: where it lies, the run is finished."""
ENCODER = "encoder"
"""The folder that `smm4h_core.encoders.load.load_text_encoder` reads."""


@dataclass(frozen=True, slots=True)
class PretrainingProgress:
    """Where a run stands."""

    epoch: int
    """Epochs done, of ``epochs``."""
    epochs: int
    """Epochs it will run."""
    step: int
    """Steps done in the open epoch."""
    steps: int
    """Steps of an epoch."""
    loss: float | None = None
    """Mean training loss of the last epoch done."""
    accuracy: float | None = None
    """Share of the held-out drugs' hidden tokens restored after the last epoch done."""


def finished_pretraining(config: MoleculeRunConfig, run: Storage) -> dict[str, Any] | None:
    """The record of a run that is done; None where it is not.

    Raises:
        TrainingError: if it was trained under another configuration.
    """
    if not run.exists(RECORD):
        return None
    record: dict[str, Any] = run.read_json(RECORD)
    # The digest leaves out where the wheel lies; whether there was one must not be lost with it.
    if bool(config.data.wheel) != bool(record["num_others"]):
        raise TrainingError(
            f"{run.root} was pretrained {'with' if record['num_others'] else 'without'} a wheel, "
            f"now data.wheel is {config.data.wheel!r}: give the run another name or storage, or "
            f"delete that folder"
        )
    if record["configuration"] != pretraining_digest(config):
        raise TrainingError(
            f"{run.root} was pretrained under another configuration "
            f"({record['configuration']}, now {pretraining_digest(config)}): give the run another "
            f"name or storage, or delete that folder"
        )
    return record


def pretrain_molecules(
    config: MoleculeRunConfig,
    run: Storage,
    *,
    device: torch.device | None = None,
    on_progress: Callable[[PretrainingProgress], None] = lambda _: None,
) -> dict[str, Any]:
    """Pretrain, or go on with it, or find it finished.

    Leaves in ``run``: the folder ``encoder`` (as Hugging Face saves a masked language model, in
    float16) and, last, the record (JSON), which is returned.

    Raises:
        DataError: a wheel that cannot be read.
        TrainingError: a loss that is not finite, or a run of another configuration.
    """
    started = time.perf_counter()
    if (done := finished_pretraining(config, run)) is not None:
        return done
    data, training, objective = config.data, config.training, config.objective
    molecules = read_molecules(
        wheel=Path(data.wheel) if data.wheel else None,
        max_drugs=data.max_drugs,
        held_out=data.held_out,
    )
    run.delete_unfinished()
    device = device or choose_device()
    dtype = choose_dtype(training.precision, device)
    bits = objective.fingerprint_bits if objective.fingerprint_weight else 0
    # Named by what decides the weights: another run must never go on from this state.
    identity = f"{pretraining_digest(config)}-{molecules.fingerprint}"
    checkpoint = CheckpointFile(run, f"checkpoint-{identity}.pt")
    resumed = run.exists(checkpoint.name)

    files = build_smiles_tokeniser(max_length=config.network.max_length)
    tokeniser = _tokeniser(files)
    alphabet = Alphabet(SPECIAL.index("<mask>"), len(SPECIAL), len(files))
    torch.manual_seed(config.seed)
    network = build_pretrainer(
        num_tokens=len(files), fingerprint_bits=bits, **config.network.model_dump()
    ).to(device)
    exam = examination(
        molecules.held_out,
        tokeniser,
        alphabet,
        max_length=config.network.max_length,
        batch_tokens=training.batch_tokens,
        share=objective.masked_share,
        seed=config.seed,
    )
    untrained = masked_accuracy(network.eval(), exam, device=device)
    optimiser = build_optimiser(
        [(training.learning_rate, dict(network.named_parameters()))],
        optimiser="adamw",
        weight_decay=training.weight_decay,
    )
    last: EpochReport | None = None

    def tell(epoch: int, step: int) -> None:
        loss, accuracy = (last.loss, last.score) if last else (None, None)
        on_progress(
            PretrainingProgress(
                epoch, training.epochs, step, training.steps_per_epoch, loss, accuracy
            )
        )

    def note(report: EpochReport) -> None:
        nonlocal last
        last = report
        tell(report.epoch + 1, 0)

    result = fit(
        network,
        draw_batches=EpochBatches(
            MoleculeSource(
                molecules,
                drug_share=data.drug_share,
                randomise=data.randomise,
                fingerprint_bits=bits,
                seed=config.seed,
            ),
            tokeniser,
            alphabet,
            max_length=config.network.max_length,
            batch_tokens=training.batch_tokens,
            steps=training.steps_per_epoch,
            masked_share=objective.masked_share,
            fingerprint_bits=bits,
            seed=config.seed,
        ),
        loss_of=partial(
            pretraining_loss, fingerprint_weight=objective.fingerprint_weight, device=device
        ),
        evaluate=lambda _: masked_accuracy(network, exam, device=device),
        optimiser=optimiser,
        schedule=build_schedule(
            optimiser,
            schedule="warmup_linear",
            warmup_fraction=training.warmup_fraction,
            num_steps=training.epochs * training.steps_per_epoch,
        ),
        epochs=training.epochs,
        device=device,
        clip_norm=training.clip_norm,
        dtype=dtype,
        # The rate has fallen to zero by then; and no number told of held-out drugs is chosen on.
        select="last",
        checkpoint=checkpoint,
        checkpoint_steps=training.checkpoint_steps,
        on_step=tell,
        on_epoch=note,
    )
    _keep_encoder(run, lambda folder: save_encoder(network, files, folder))
    record = {
        "name": config.name,
        "configuration": pretraining_digest(config),
        "data": molecules.fingerprint,
        "num_parameters": sum(p.numel() for p in network.model.parameters()),
        "num_drugs": len(molecules.drugs),
        "num_held_out": len(molecules.held_out),
        "num_others": len(molecules.others),
        "accuracy": result.score,
        "accuracy_untrained": untrained,
        "accuracy_unigram": unigram_accuracy(
            exam, commonest=commonest_token(molecules.drugs, tokeniser)
        ),
        "num_asked": sum(len(each.tokens) for each in exam),
        "history": [asdict(report) for report in result.history],
        "dtype": str(dtype).removeprefix("torch."),
        "train_s": sum(report.train_s for report in result.history),
        "life_s": time.perf_counter() - started,
        "resumed": resumed,
        "host": socket.gethostname(),
        "torch": torch.__version__,
    }
    run.write_json(RECORD, record)
    run.delete(checkpoint.name)
    return record


def copy_encoder(run: Storage, folder: Path) -> None:
    """Copy the pretrained encoder to a local folder, one whole file after another."""
    target = Storage(fs.LocalFileSystem(), str(folder.resolve()))
    source = run.child(ENCODER)
    for name in _file_names(source):
        with source.read(name) as stream:
            content = stream.read()
        target.write(name, lambda out, content=content: out.write(content))  # type: ignore[misc]


def _keep_encoder(run: Storage, save: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder))
        load_text_encoder(folder, pooling="cls")  # what cannot be read back is no result
        for path in sorted(Path(folder).iterdir()):
            content = path.read_bytes()
            run.child(ENCODER).write(
                path.name,
                lambda out, content=content: out.write(content),  # type: ignore[misc]
            )


def _file_names(storage: Storage) -> Sequence[str]:
    found = storage.filesystem.get_file_info(fs.FileSelector(storage.root))
    return sorted(info.base_name for info in found if info.type == fs.FileType.File)


def _tokeniser(files: Any) -> Tokeniser:
    from smm4h_core.encoders._huggingface import HuggingFaceTokeniser

    return HuggingFaceTokeniser(files)
