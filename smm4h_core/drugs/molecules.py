"""Molecules as vectors: one encoding for each distinct SMILES, kept on disk."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

from smm4h_core.config import MORGAN
from smm4h_core.drugs.structures import parse_molecule
from smm4h_core.drugs.vector_cache import MoleculeVector, read_vectors, write_vectors
from smm4h_core.encoders.identity import encoder_digest, encoder_folder, stated_size
from smm4h_core.encoders.load import check_length, load_text_encoder
from smm4h_core.errors import EncoderError
from smm4h_core.storage import Storage

if TYPE_CHECKING:
    import torch

    from smm4h_core.encoders.base import LoadedEncoder

MORGAN_RADIUS = 2
_BITS = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True, eq=False)
class MoleculeVectors:
    """Molecules as one encoder sees them."""

    uri: str
    """The encoder."""
    size: int
    """``H_m``; known with no molecule, too."""
    vectors: Mapping[str, NDArray[np.float32]]
    """``(H_m,)`` by SMILES as given; two SMILES of one molecule share theirs. Not writeable."""
    unparsable: tuple[str, ...]
    """Distinct SMILES that RDKit does not parse, in order of appearance; they have no vector."""
    truncated: tuple[str, ...]
    """Distinct SMILES whose end the encoder did not read, in order of appearance."""
    num_encoded: int
    """Molecules that were encoded now; all others came from the cache."""

    @property
    def num_unparsable(self) -> int:
        """Distinct SMILES that RDKit does not parse."""
        return len(self.unparsable)


def parse_smiles(smiles: str) -> str | None:
    """Canonical SMILES; None where RDKit does not parse it. The empty SMILES is one.

    One of more than `smm4h_core.drugs.structures.LONGEST_SMILES` characters is not tried.
    """
    with rdBase.BlockLogs():
        molecule = parse_molecule(smiles)
    return None if molecule is None else str(Chem.MolToSmiles(molecule))


def encode_molecules(
    smiles: Iterable[str],
    *,
    uri: str,
    max_length: int = 256,
    cache: Storage | None = None,
    device: torch.device | None = None,
) -> MoleculeVectors:
    """Encode each distinct molecule once: the final state at position 0 (the paper, section 2.3).

    Padding, order and company change nothing. An encoder whose molecules are all in the cache is
    not loaded. Many may call this at once with the same cache.

    Args:
        smiles: Any SMILES, repeats included; they are made canonical first. The empty one is legal:
            the paper's post without a drug.
        uri: An encoder as `smm4h_core.encoders.load.load_text_encoder` takes it, or
            ``morgan:<bits>``: 0 and 1, Morgan fingerprints of radius 2, for comparison.
        max_length: Most tokens of a SMILES, special tokens included; fingerprints have none.
        cache: Where vectors are kept, by what the encoder's files hold and by ``max_length``.
        device: Where to encode; None is the CPU.

    Raises:
        EncoderError: No such encoder, or one that cannot read ``max_length`` tokens.
    """
    given = tuple(dict.fromkeys(smiles))
    if uri.startswith(MORGAN):
        size = _num_bits(uri)
        canonical, wanted = _canonical(given, ())
        known, num_encoded = _fingerprints(wanted, size), len(wanted)
    else:
        folder = encoder_folder(uri)
        size = stated_size(folder) or load_text_encoder(uri, pooling="cls").encoder.hidden_size
        kept = cache.child(f"{encoder_digest(folder)[:24]}-{max_length}") if cache else None
        known = read_vectors(kept) if kept else {}
        canonical, wanted = _canonical(given, known)
        missing = [each for each in wanted if each not in known]
        num_encoded = len(missing)
        if missing:
            loaded = load_text_encoder(uri, pooling="cls")
            encoded = encode_with(loaded, missing, max_length=max_length, device=device)
            if kept:
                write_vectors(kept, encoded)
                # Who encoded the same at the same time may have been first.
                known = read_vectors(kept)
            known = {**encoded, **known}
    found = {each: known[one] for each, one in canonical.items() if one is not None}
    return MoleculeVectors(
        uri,
        size,
        {each: one.vector for each, one in found.items()},
        tuple(each for each, one in canonical.items() if one is None),
        tuple(each for each, one in found.items() if one.truncated),
        num_encoded,
    )


def encode_with(
    loaded: LoadedEncoder,
    smiles: Sequence[str],
    *,
    max_length: int,
    device: torch.device | None = None,
) -> dict[str, MoleculeVector]:
    """Encode canonical SMILES with an encoder that is loaded already; see `encode_molecules`."""
    import torch

    from smm4h_core.encoders.base import pad_encodings
    from smm4h_core.encoders.inference import run_batches

    check_length(max_length, loaded)
    device = device or torch.device("cpu")
    encoder = loaded.encoder.to(device)
    encodings = loaded.tokeniser.encode(smiles, max_length=max_length)
    lengths = [len(each.input_ids) for each in encodings]
    vectors: dict[str, MoleculeVector] = {}

    def forward(batch: list[int]) -> torch.Tensor:
        padded = pad_encodings([encodings[i] for i in batch], pad_id=loaded.tokeniser.pad_id)
        pooled: torch.Tensor = encoder(padded.to(device)).pooled  # (B, H_m)
        return pooled

    for batch, rows in run_batches(
        *(encoder, lengths, forward), dtype=torch.float32, device=device
    ):
        rows.setflags(write=False)
        for index, row in zip(batch, rows, strict=True):
            vectors[smiles[index]] = MoleculeVector(row, encodings[index].truncated)
    return vectors


def _canonical(
    given: Sequence[str], known: Container[str]
) -> tuple[dict[str, str | None], list[str]]:
    """The canonical form of each SMILES, and all forms sorted; what is known is canonical."""
    canonical = {each: each if each in known else parse_smiles(each) for each in given}
    return canonical, sorted({each for each in canonical.values() if each is not None})


def _fingerprints(smiles: Iterable[str], num_bits: int) -> dict[str, MoleculeVector]:
    generator = GetMorganGenerator(radius=MORGAN_RADIUS, fpSize=num_bits)
    vectors = {}
    with rdBase.BlockLogs():
        for each in smiles:
            row = generator.GetFingerprintAsNumPy(Chem.MolFromSmiles(each)).astype(np.float32)
            row.setflags(write=False)
            vectors[each] = MoleculeVector(row, truncated=False)
    return vectors


def _num_bits(uri: str) -> int:
    bits = uri.removeprefix(MORGAN)
    if not _BITS.fullmatch(bits):
        raise EncoderError(f"{uri}: expected {MORGAN}<bits>, such as {MORGAN}2048")
    return int(bits)
