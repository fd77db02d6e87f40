"""Masked batches of SMILES: what is shown, what is to be restored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smm4h_core.encoders.base import Encoding, TokenBatch, Tokeniser, pad_encodings
from smm4h_core.pretraining.molecules import MoleculeSource
from smm4h_core.text.batching import inference_batches, training_batches

MASKED, REPLACED = 0.8, 0.1
"""Of the tokens to restore: so many become ``<mask>``, so many another token, the rest stay."""


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The ids that masking needs to know."""

    mask_id: int
    """Of ``<mask>``."""
    first_id: int
    """The first that stands for a token of SMILES; all below are special."""
    num_tokens: int
    """One more than the last."""


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """SMILES with some tokens hidden."""

    shown: TokenBatch
    """``(B, M)``; what the network reads."""
    places: Tensor
    """``(P,)`` int64; flat positions in ``(B, M)`` of the tokens to restore."""
    tokens: Tensor
    """``(P,)`` int64; the tokens that stood there."""
    substructures: Tensor
    """``(B, bits)`` float32 of 0 and 1, the Morgan fingerprints; ``(B, 0)`` without them."""
    post_ids: tuple[str, ...]
    """The SMILES themselves; the loop names them when a loss is not finite."""

    def to(self, device: torch.device) -> MaskedBatch:
        """The same batch on ``device``."""
        return MaskedBatch(
            self.shown.to(device),
            self.places.to(device),
            self.tokens.to(device),
            self.substructures.to(device),
            self.post_ids,
        )


def mask_tokens(
    batch: TokenBatch, alphabet: Alphabet, *, share: float, generator: torch.Generator
) -> tuple[TokenBatch, Tensor, Tensor]:
    """Hide a share of the tokens (BERT, section 3.1); special tokens are never chosen.

    Returns:
        What is shown ``(B, M)``, the flat places to restore ``(P,)``, the tokens there ``(P,)``.
    """
    ids = batch.input_ids
    chosen = (torch.rand(ids.shape, generator=generator) < share) & (ids >= alphabet.first_id)
    places = chosen.flatten().nonzero()[:, 0]
    tokens = ids.flatten()[places]
    fate = torch.rand(places.shape, generator=generator)
    others = torch.randint(
        alphabet.first_id, alphabet.num_tokens, places.shape, generator=generator
    )
    put = torch.where(fate < MASKED, alphabet.mask_id, tokens)
    put = torch.where((fate >= MASKED) & (fate < MASKED + REPLACED), others, put)
    shown = ids.flatten().scatter(0, places, put).view_as(ids)
    return TokenBatch(shown, batch.attention_mask), places, tokens


class EpochBatches:
    """Draws the batches of an epoch; the same on every call for that epoch."""

    def __init__(
        self,
        source: MoleculeSource,
        tokeniser: Tokeniser,
        alphabet: Alphabet,
        *,
        max_length: int,
        batch_tokens: int,
        steps: int,
        masked_share: float,
        fingerprint_bits: int,
        seed: int,
    ) -> None:
        self.source = source
        self.tokeniser = tokeniser
        self.alphabet = alphabet
        self.max_length = max_length
        self.batch_tokens = batch_tokens
        self.steps = steps
        self.masked_share = masked_share
        self.fingerprint_bits = fingerprint_bits
        self.seed = seed

    def __call__(self, epoch: int) -> Iterator[MaskedBatch]:
        """Yields ``steps`` batches on the CPU."""
        wanted = self.steps * self.batch_tokens
        # Tokens of several characters and molecules cut short leave fewer tokens than characters.
        num_characters, lengths = wanted + wanted // 2, [0]
        while sum(lengths) < wanted:
            drawn = self.source.draw(epoch, num_characters=num_characters)
            encodings = self.tokeniser.encode(drawn.smiles, max_length=self.max_length)
            lengths = [len(each.input_ids) for each in encodings]
            num_characters *= 2
        batches = training_batches(
            lengths,
            [False] * len(lengths),
            batch_tokens=self.batch_tokens,
            seed=self.seed,
            epoch=epoch,
        )
        assert len(batches) >= self.steps  # each holds at most batch_tokens
        for step, batch in enumerate(batches[: self.steps]):
            yield masked_batch(
                [drawn.smiles[i] for i in batch],
                [encodings[i] for i in batch],
                self.alphabet,
                pad_id=self.tokeniser.pad_id,
                share=self.masked_share,
                substructures=[drawn.substructures[i] for i in batch],
                fingerprint_bits=self.fingerprint_bits,
                seed=f"{self.seed}/{epoch}/{step}",
            )


def masked_batch(
    smiles: Sequence[str],
    encodings: Sequence[Encoding],
    alphabet: Alphabet,
    *,
    pad_id: int,
    share: float,
    substructures: Sequence[NDArray[np.int32]],
    fingerprint_bits: int,
    seed: str,
) -> MaskedBatch:
    """Pad, mask and lay out one batch; the masks depend on ``seed`` alone."""
    generator = torch.Generator().manual_seed(
        int.from_bytes(hashlib.sha256(seed.encode()).digest()[:6])
    )
    padded = pad_encodings(encodings, pad_id=pad_id)
    shown, places, tokens = mask_tokens(padded, alphabet, share=share, generator=generator)
    bits = torch.zeros(len(encodings), fingerprint_bits)
    for row, found in enumerate(substructures):
        bits[row, torch.from_numpy(found).long()] = 1.0
    return MaskedBatch(shown, places, tokens, bits, tuple(smiles))


def examination(
    smiles: Sequence[str],
    tokeniser: Tokeniser,
    alphabet: Alphabet,
    *,
    max_length: int,
    batch_tokens: int,
    share: float,
    seed: int,
) -> list[MaskedBatch]:
    """All of the SMILES once, masked for good, to be asked again and again."""
    encodings = tokeniser.encode(smiles, max_length=max_length)
    lengths = [len(each.input_ids) for each in encodings]
    # As full as they get: what is hidden is drawn by batch, so that their cut is part of the task.
    batches = inference_batches(lengths, batch_tokens=batch_tokens, step_tokens=batch_tokens)
    return [
        masked_batch(
            [smiles[i] for i in batch],
            [encodings[i] for i in batch],
            alphabet,
            pad_id=tokeniser.pad_id,
            share=share,
            substructures=[],
            fingerprint_bits=0,
            seed=f"examination/{seed}/{number}",
        )
        for number, batch in enumerate(batches)
    ]
