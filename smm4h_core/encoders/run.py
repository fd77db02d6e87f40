"""A run's text encoder as its configuration has it: loaded, saved, built again."""

from __future__ import annotations

from pathlib import Path

from smm4h_core.encoders.adapter import add_adapter, check_base, name_base
from smm4h_core.encoders.base import LoadedEncoder
from smm4h_core.encoders.load import build_text_encoder, load_text_encoder, save_text_encoder
from smm4h_core.sections import EncoderConfig


def load_run_encoder(config: EncoderConfig) -> LoadedEncoder:
    """The encoder with its weights, part of them frozen, an adapter in it, or neither.

    An adapter is drawn from torch's generator.

    Raises:
        EncoderError: as `load_text_encoder`.
    """
    return _prepare(load_text_encoder(config.uri, pooling=config.pooling), config)


def save_run_encoder(config: EncoderConfig, loaded: LoadedEncoder, folder: Path) -> None:
    """Writes architecture and tokeniser, or where they are, for `build_run_encoder`."""
    if carries_base(config):
        save_text_encoder(loaded, folder)
    else:
        name_base(config.uri, folder)


def build_run_encoder(config: EncoderConfig, folder: Path) -> LoadedEncoder:
    """Builds what `save_run_encoder` wrote; its weights are unset, but for a base that is named.

    Raises:
        EncoderError: The folder is incomplete, or the encoder named is another one now.
    """
    if carries_base(config):
        return _prepare(build_text_encoder(folder), config)
    check_base(config.uri, folder)
    return load_run_encoder(config)


def carries_base(config: EncoderConfig) -> bool:
    """Whether a bundle holds the weights that members share, or names where they are."""
    return config.adapter is None or config.adapter.base == "carried"


def _prepare(loaded: LoadedEncoder, config: EncoderConfig) -> LoadedEncoder:
    if config.freeze_embeddings:
        loaded.encoder.freeze_embeddings()
    if config.adapter is not None:
        add_adapter(loaded.encoder, config.adapter)
    return loaded
