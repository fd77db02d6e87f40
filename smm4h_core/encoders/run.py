"""A run's text encoder as its configuration has it: loaded, saved, built again."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

from smm4h_core.encoders.adapter import add_adapter, check_base, name_base
from smm4h_core.encoders.base import LoadedEncoder, Pooling
from smm4h_core.encoders.identity import encoder_digest, encoder_folder
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


class NamedBases:
    """Encoders that a bundle's parts name, each read once however many parts build on it."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, Pooling | None], tuple[LoadedEncoder, str]] = {}

    def share(self, config: EncoderConfig, folder: Path) -> LoadedEncoder:
        """A network of its own over the weights that all share, which nothing may train.

        Raises:
            EncoderError: The encoder is not there, or not the one that the folder names.
        """
        key = config.uri, config.pooling
        if key not in self._loaded:
            digest = encoder_digest(encoder_folder(config.uri))
            check_base(config.uri, folder, digest=digest)  # before the seconds that loading takes
            loaded = load_text_encoder(config.uri, pooling=config.pooling)
            loaded.encoder.requires_grad_(False)
            self._loaded[key] = loaded, digest
        base, digest = self._loaded[key]
        check_base(config.uri, folder, digest=digest)
        weights = {id(each): each for each in base.encoder.parameters()}
        return replace(base, encoder=copy.deepcopy(base.encoder, weights))


def build_run_encoder(
    config: EncoderConfig, folder: Path, bases: NamedBases | None = None
) -> LoadedEncoder:
    """Builds what `save_run_encoder` wrote; its weights are unset, but for a base that is named.

    Args:
        config: The run's.
        folder: Where it was saved.
        bases: Bases that others share; None reads one for this encoder alone.

    Raises:
        EncoderError: The folder is incomplete, or the encoder named is another one now.
    """
    if carries_base(config):
        return _prepare(build_text_encoder(folder), config)
    return _prepare((bases or NamedBases()).share(config, folder), config)


def carries_base(config: EncoderConfig) -> bool:
    """Whether a bundle holds the weights that members share, or names where they are."""
    return config.adapter is None or config.adapter.base == "carried"


def _prepare(loaded: LoadedEncoder, config: EncoderConfig) -> LoadedEncoder:
    if config.freeze_embeddings:
        loaded.encoder.freeze_embeddings()
    if config.adapter is not None:
        add_adapter(loaded.encoder, config.adapter)
    return loaded
