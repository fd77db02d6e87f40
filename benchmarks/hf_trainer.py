"""The same network under the Hugging Face `Trainer`, as its users run it: fp32, all trained."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling
from torch import Tensor, nn
from transformers import (
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.trainer_callback import PrinterCallback

from benchmarks.section import BenchmarkError
from smm4h_core.classify.network import Classifier
from smm4h_core.config import TrainingConfig
from smm4h_core.encoders.base import TokenBatch, Tokeniser
from smm4h_core.members.classification import EncodedPosts

BATCH_POSTS = 32
"""The batch of the Trainer's usual recipes."""


class TrainerNetwork(nn.Module):
    """A classifier in the form that `Trainer` asks for: columns in, loss and logits out."""

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor
    ) -> Mapping[str, Tensor]:
        """Loss and logits ``(B,)`` of word-pieces ``(B, L)`` and labels ``(B,)``."""
        logits = self.network(TokenBatch(input_ids, attention_mask.bool()))
        return {"loss": F.binary_cross_entropy_with_logits(logits, labels), "logits": logits}


class _Clock(TrainerCallback):
    """Times the steps alone: what `Trainer` does before and after them is not counted."""

    def __init__(self) -> None:
        self.started = self.ended = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.started = time.perf_counter()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self.ended = time.perf_counter()


def train_with_trainer(
    network: Classifier,
    encoded: EncodedPosts,
    *,
    tokeniser: Tokeniser,
    padding: Literal["max_length", "longest"],
    max_length: int,
    training: TrainingConfig,
    epochs: int,
    seed: int,
    device: torch.device,
) -> float:
    """Train ``network`` in place; return posts per second of its steps.

    Optimiser, schedule, decay and clipping are our run's own, so that only the loop differs.

    Raises:
        BenchmarkError: the package that `Trainer` needs is not installed.
    """
    if importlib.util.find_spec("accelerate") is None:
        raise BenchmarkError("Trainer needs accelerate: pip install 'smm4h[benchmark]'")
    rows = [
        {
            "input_ids": encoding.input_ids,
            "attention_mask": [1] * len(encoding.input_ids),
            "labels": float(label),
        }
        for encoding, label in zip(encoded.encodings, encoded.labels, strict=True)
    ]
    clock = _Clock()
    with tempfile.TemporaryDirectory() as folder:
        tokeniser.save(Path(folder) / "tokenizer")
        tokenizer = AutoTokenizer.from_pretrained(Path(folder) / "tokenizer")
        trainer = Trainer(
            model=TrainerNetwork(network),
            args=TrainingArguments(
                output_dir=folder,
                per_device_train_batch_size=BATCH_POSTS,
                num_train_epochs=epochs,
                learning_rate=training.learning_rate,
                weight_decay=training.weight_decay,
                lr_scheduler_type="linear",
                warmup_steps=training.warmup_fraction,
                max_grad_norm=training.clip_norm or 0.0,
                seed=seed,
                use_cpu=device.type == "cpu",
                dataloader_pin_memory=device.type == "cuda",
                logging_strategy="no",
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                log_level="error",
            ),
            train_dataset=rows,
            data_collator=DataCollatorWithPadding(
                tokenizer, padding=padding, max_length=max_length
            ),
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)  # standard output is for our tables
        trainer.train()
    return epochs * len(rows) / (clock.ended - clock.started)
