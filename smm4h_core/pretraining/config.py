"""A pretraining run's configuration: frozen, typed, checked at birth, unknown keys refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from smm4h_core.config import (
    NAME_PATTERN,
    Dropout,
    Fraction,
    Positive,
    Rate,
    Section,
    read_mapping,
)


class MoleculeDataConfig(Section):
    """Which molecules are read."""

    wheel: str | None = None
    """The ``molsets`` wheel as ``pip download --no-deps`` leaves it, of which only its table of
    SMILES is read; None takes the lexicon's drugs alone."""
    max_drugs: Positive | None = None
    """Only so many of the lexicon's molecules, first by SMILES; None takes all."""
    drug_share: Fraction = 0.4
    """Share of drugs among the molecules drawn, however few they are; needs ``wheel``."""
    randomise: Fraction = 0.5
    """Share of drawn drugs written from a random atom on, instead of canonically."""
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of the drugs' scaffolds that is never trained on, and that accuracy is told on."""

    @model_validator(mode="after")
    def _no_ignored_option(self) -> Self:
        default = type(self).model_fields["drug_share"].default
        if self.wheel is None and self.drug_share != default:
            raise ValueError("drug_share needs a wheel to share with")
        return self


class MoleculeNetworkConfig(Section):
    """The encoder: a RoBERTa over tokens of SMILES."""

    hidden_size: Positive = 256
    """``H``."""
    num_layers: Positive = 4
    """Transformer layers."""
    num_heads: Positive = 4
    """Attention heads; they divide ``hidden_size``."""
    intermediate_size: Positive = 1024
    """Width of the feed-forward block."""
    max_length: Annotated[int, Field(ge=8, strict=True)] = 256
    """Most tokens of a SMILES, ``<s>`` and ``</s>`` included; the paper's 256."""
    dropout: Dropout = 0.0
    """Of hidden states and attention. A run that sees most molecules once needs none."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.hidden_size % self.num_heads:
            raise ValueError(f"num_heads must divide hidden_size {self.hidden_size}")
        return self


class ObjectiveConfig(Section):
    """What the network is asked for."""

    masked_share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of the tokens to restore; of these 80 % are masked, 10 % replaced, 10 % kept (BERT,
    section 3.1)."""
    fingerprint_bits: Positive = 1024
    """Bits of the Morgan fingerprint (radius 2) that the ``<s>`` state predicts."""
    fingerprint_weight: Annotated[float, Field(ge=0)] = 4.0
    """Weight of the fingerprint's cross-entropy (mean over bits) beside the masked tokens'. Masked
    tokens alone never train the ``<s>`` state of the last layer, and that state is what a
    molecule's vector is. 0 is the masked tokens alone."""

    @model_validator(mode="after")
    def _no_ignored_option(self) -> Self:
        default = type(self).model_fields["fingerprint_bits"].default
        if not self.fingerprint_weight and self.fingerprint_bits != default:
            raise ValueError("fingerprint_bits needs fingerprint_weight greater than 0")
        return self


class PretrainingConfig(Section):
    """How long and how fast."""

    epochs: Positive
    """Stretches of ``steps_per_epoch``; accuracy is told after each."""
    steps_per_epoch: Positive
    """Optimiser steps of one epoch; each epoch draws its molecules anew."""
    batch_tokens: Positive = 4096
    """Tokens in a batch, padding included."""
    learning_rate: Rate = 1e-3
    """Peak rate; it rises over ``warmup_fraction`` of all steps and falls to zero."""
    warmup_fraction: Fraction = 0.06
    """Share of the steps in which the rate rises."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """AdamW's; biases and norms excepted."""
    clip_norm: Rate | None = 1.0
    """Greatest norm of the whole gradient; None never clips."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """``auto`` takes bf16 where the hardware multiplies it natively."""
    checkpoint_steps: Positive | None = None
    """Also write a checkpoint every so many steps; each epoch's end always does."""


class PretrainingResources(Section):
    """What the one worker may use, and how patient the run is with its deaths."""

    cpus: Annotated[float, Field(gt=0)] = 1.0
    """Cores; its thread count is this, rounded up."""
    gpus: Annotated[int, Field(ge=0, le=1, strict=True)] = 0
    """1 trains on a GPU."""
    attempts: Positive = 3
    """Times that the worker may be started."""


class MoleculeRunConfig(Section):
    """One run that pretrains a molecule encoder."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    """Stable name: the same name and storage resume the same run."""
    description: str = ""
    """One line on what it is."""
    storage: str = "runs"
    """Folder or URI under which everything is written; every node must reach it."""
    seed: int = 0
    """Of weights, molecules drawn and tokens masked."""
    data: MoleculeDataConfig = MoleculeDataConfig()
    network: MoleculeNetworkConfig = MoleculeNetworkConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    training: PretrainingConfig
    resources: PretrainingResources = PretrainingResources()

    @model_validator(mode="after")
    def _batches_hold_a_molecule(self) -> Self:
        if self.training.batch_tokens < self.network.max_length:
            raise ValueError(
                f"training.batch_tokens must hold network.max_length ({self.network.max_length}) "
                f"tokens, got {self.training.batch_tokens}"
            )
        return self


def molecule_config_from_mapping(
    raw: Mapping[str, Any], *, source: str = "configuration"
) -> MoleculeRunConfig:
    """Check a mapping and freeze it.

    Raises:
        ConfigError: naming each key path that does not fit, what was expected and what came.
    """
    return MoleculeRunConfig.checked(raw, source=source)


def read_molecule_config(path: Path, overrides: Sequence[str] = ()) -> MoleculeRunConfig:
    """Read a run's YAML, apply ``key.path=value`` overrides (values are YAML), check, freeze."""
    raw = read_mapping(path, overrides)
    return molecule_config_from_mapping(raw, source=str(path))


def pretraining_digest(config: MoleculeRunConfig) -> str:
    """Digest of the keys that decide the weights, 12 hexadecimal digits.

    Where the run lies, what it may use and the path of the wheel are left out: what the wheel holds
    is in :attr:`smm4h_core.pretraining.molecules.Molecules.fingerprint`.
    """
    parts = config.model_dump(
        mode="json",
        include={"seed": True, "data": True, "network": True, "objective": True, "training": True},
        exclude={"data": {"wheel"}, "training": {"checkpoint_steps"}},
    )
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
