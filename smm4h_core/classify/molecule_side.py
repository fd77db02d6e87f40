"""The molecule encoder beside the text encoder: loaded to train with, saved in bundles, loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from smm4h_core.classify.molecules import (
    MoleculeReader,
    MoleculeTokenTable,
    MoleculeVectorTable,
    PostMolecules,
    choose_molecules,
    read_molecules,
)
from smm4h_core.config import MORGAN, MoleculesConfig
from smm4h_core.encoders.base import TextEncoder, Tokeniser
from smm4h_core.encoders.load import (
    build_text_encoder,
    check_length,
    load_text_encoder,
    save_text_encoder,
)
from smm4h_core.errors import EncoderError
from smm4h_core.storage import Storage
from smm4h_core.types import DrugMention

_WEIGHTS = "frozen.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class MoleculeSide:
    """What a network and its callers need of the molecules."""

    reader: MoleculeReader
    """Distinct SMILES to what the network reads of them."""
    size: int
    """``H_m``."""
    encoder: TextEncoder | None
    """Trained with the network by cross-attention; None where vectors are fixed."""
    only_first: bool
    """Whether a post's first molecule alone is read."""
    absent: Literal["empty", "zeros"]
    """What stands for a post without a molecule."""

    def read(self, drugs_by_post: Sequence[Sequence[DrugMention]]) -> PostMolecules:
        """The molecules of the drugs that each post names."""
        chosen = [
            choose_molecules(drugs, only_first=self.only_first, absent=self.absent)
            for drugs in drugs_by_post
        ]
        return read_molecules(chosen, self.reader)


def load_molecule_side(
    config: MoleculesConfig, *, trained: bool, cache: Storage | None = None
) -> MoleculeSide:
    """Load what a member trains with.

    Args:
        config: The encoder and how it is read.
        trained: Whether the network trains the encoder (cross-attention) or reads fixed vectors.
        cache: Where fixed vectors are kept, for all members and workers.

    Raises:
        EncoderError: an encoder that cannot be loaded, or is shorter than ``max_length``.
    """
    from smm4h_core.drugs.molecules import encode_molecules  # RDKit, which text alone needs not

    uri, max_length = config.uri, config.max_length
    if trained:
        loaded = load_text_encoder(uri)
        check_length(max_length, loaded)
        reader = _token_reader(loaded.tokeniser, max_length)
        return _side(config, reader, loaded.encoder.hidden_size, loaded.encoder)

    def encode(smiles: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        return encode_molecules(smiles, uri=uri, max_length=max_length, cache=cache).vectors

    return _side(config, _vector_reader(encode), encode_molecules((), uri=uri).size, None)


def save_molecule_side(uri: str, *, trained: bool, folder: Path) -> None:
    """Write the encoder for `open_molecule_side`; of a trained one members hold the weights."""
    if uri.startswith(MORGAN):
        return  # computed, nothing to keep
    loaded = load_text_encoder(uri)
    save_text_encoder(loaded, folder)
    if not trained:
        weights = {name: each.contiguous() for name, each in loaded.encoder.state_dict().items()}
        save_file(weights, folder / _WEIGHTS)


def open_molecule_side(config: MoleculesConfig, *, trained: bool, folder: Path) -> MoleculeSide:
    """Open what `save_molecule_side` wrote; a trained encoder's weights are unset.

    Raises:
        EncoderError: a file that is missing or does not fit.
    """
    from smm4h_core.drugs.molecules import encode_with  # RDKit, which text alone needs not

    if config.uri.startswith(MORGAN):
        return load_molecule_side(config, trained=False)
    loaded = build_text_encoder(folder)
    size, max_length = loaded.encoder.hidden_size, config.max_length
    if trained:
        return _side(config, _token_reader(loaded.tokeniser, max_length), size, loaded.encoder)
    try:
        loaded.encoder.load_state_dict(load_file(folder / _WEIGHTS))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise EncoderError(f"{folder / _WEIGHTS}: {error}") from None
    known: dict[str, NDArray[np.float32]] = {}

    def encode(smiles: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        # A lexicon holds a few thousand molecules, so what was encoded is kept for good.
        unknown = [each for each in smiles if each not in known]
        if unknown:
            new = encode_with(loaded, unknown, max_length=max_length)
            known.update({each: one.vector for each, one in new.items()})
        return known

    return _side(config, _vector_reader(encode), size, None)


def _side(
    config: MoleculesConfig, reader: MoleculeReader, size: int, encoder: TextEncoder | None
) -> MoleculeSide:
    return MoleculeSide(
        reader, size, encoder, only_first=config.pooling == "first", absent=config.absent
    )


def _token_reader(tokeniser: Tokeniser, max_length: int) -> MoleculeReader:
    def read(smiles: Sequence[str]) -> MoleculeTokenTable:
        encodings = tokeniser.encode(smiles, max_length=max_length)
        return MoleculeTokenTable(encodings, pad_id=tokeniser.pad_id)

    return read


def _vector_reader(
    encode: Callable[[Sequence[str]], Mapping[str, NDArray[np.float32]]],
) -> MoleculeReader:
    def read(smiles: Sequence[str]) -> MoleculeVectorTable:
        vectors = encode(smiles)
        return MoleculeVectorTable(np.stack([vectors[each] for each in smiles]))

    return read
