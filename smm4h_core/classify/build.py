"""A run's network, by the name of its fusion."""

from __future__ import annotations

from typing import Literal

from smm4h_core.classify.fusion import Concatenation, CrossAttention, Fusion, Gated
from smm4h_core.classify.molecule_side import MoleculeSide
from smm4h_core.classify.network import Classifier
from smm4h_core.config import RunConfig
from smm4h_core.encoders.base import TextEncoder


def build_classifier(
    config: RunConfig, encoder: TextEncoder, molecules: MoleculeSide | None
) -> Classifier:
    """The network that a run describes; new layers are drawn from torch's generator.

    Args:
        config: The run; its ``encoder`` and ``molecules`` are loaded already.
        encoder: The text encoder.
        molecules: For every fusion but ``text``.
    """
    fusion = _build_fusion(config, encoder, molecules)
    return Classifier(encoder, dropout=config.network.dropout, fusion=fusion)


def _build_fusion(
    config: RunConfig, encoder: TextEncoder, molecules: MoleculeSide | None
) -> Fusion | None:
    name = config.network.fusion
    if name == "text":
        return None
    assert molecules is not None  # the configuration was checked at its birth
    assert config.molecules is not None
    if name == "cross_attention":
        assert molecules.encoder is not None
        return CrossAttention(encoder, molecules.encoder)
    kind = Concatenation if name == "concat" else Gated
    # The mean of the first alone is the first.
    pooling: Literal["mean", "max"] = "max" if config.molecules.pooling == "max" else "mean"
    return kind(encoder.hidden_size, molecules.size, pooling=pooling)
