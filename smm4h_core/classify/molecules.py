"""The molecules of posts, as a network reads them: one row for each distinct SMILES.

Shapes: ``B`` batch, ``K`` molecules of a post, ``S`` distinct molecules of a set of posts, ``D`` of
a batch, ``M`` word-pieces of a SMILES, ``T`` word-pieces of all of a post's molecules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smm4h_core.encoders.base import Encoding, TokenBatch, pad_encodings
from smm4h_core.types import DrugMention

NO_MOLECULE = ""
"""The SMILES that the paper encodes where a post names no drug."""


@dataclass(frozen=True, slots=True)
class VectorBatch:
    """Molecules of a batch as fixed vectors."""

    vectors: Tensor
    """``(B, K, H_m)`` float32; zeros where ``present`` is False."""
    present: Tensor
    """``(B, K)`` bool: True where the post has a molecule."""


@dataclass(frozen=True, slots=True)
class MoleculeTokenBatch:
    """Molecules of a batch as word-pieces, each distinct one once."""

    tokens: TokenBatch
    """``(D, M)`` the batch's distinct molecules."""
    places: Tensor
    """``(B, T)`` int64: for each post, where its molecules' word-pieces stand in the flattened
    ``(D * M)``; 0 where ``present`` is False."""
    present: Tensor
    """``(B, T)`` bool: True where there is a word-piece."""


MoleculeBatch = VectorBatch | MoleculeTokenBatch


@dataclass(frozen=True, slots=True, eq=False)
class MoleculeVectorTable:
    """Fixed vectors, one a molecule."""

    vectors: NDArray[np.float32]
    """``(S, H_m)``."""

    def batch(self, rows: Sequence[Sequence[int]], device: torch.device) -> VectorBatch:
        """The vectors of each post's molecules, given by their rows."""
        width = max(1, max(map(len, rows)))
        vectors = torch.zeros(len(rows), width, self.vectors.shape[1])
        present = torch.zeros(len(rows), width, dtype=torch.bool)
        for place, own in enumerate(rows):
            vectors[place, : len(own)] = torch.from_numpy(self.vectors[list(own)])
            present[place, : len(own)] = True
        return VectorBatch(vectors.to(device), present.to(device))


@dataclass(frozen=True, slots=True, eq=False)
class MoleculeTokenTable:
    """Word-pieces, one encoding a molecule."""

    encodings: Sequence[Encoding]
    """``(S,)``."""
    pad_id: int
    """Fills a batch."""

    def batch(self, rows: Sequence[Sequence[int]], device: torch.device) -> MoleculeTokenBatch:
        """The word-pieces of each post's molecules, given by their rows."""
        distinct = sorted({row for own in rows for row in own}) or [0]
        tokens = pad_encodings([self.encodings[row] for row in distinct], pad_id=self.pad_id)
        longest = tokens.input_ids.shape[1]
        starts = {row: place * longest for place, row in enumerate(distinct)}
        places = [
            [
                starts[row] + piece
                for row in own
                for piece in range(len(self.encodings[row].input_ids))
            ]
            for own in rows
        ]
        width = max(1, max(map(len, places)))
        present = torch.arange(width) < torch.tensor([len(own) for own in places])[:, None]
        padded = torch.tensor([own + [0] * (width - len(own)) for own in places])
        return MoleculeTokenBatch(tokens.to(device), padded.to(device), present.to(device))


MoleculeTable = MoleculeVectorTable | MoleculeTokenTable
MoleculeReader = Callable[[Sequence[str]], MoleculeTable]
"""Distinct SMILES to a table with a row for each, in order."""


@dataclass(frozen=True, slots=True, eq=False)
class PostMolecules:
    """The molecules of some posts."""

    table: MoleculeTable
    """Each distinct molecule once."""
    rows: Sequence[Sequence[int]]
    """``(N,)`` rows of ``table`` for each post, in order of appearance; none is legal."""
    empty_row: int | None = None
    """The row of the empty SMILES, where it is among them."""

    @property
    def num_found(self) -> int:
        """Posts that have a molecule other than the empty one."""
        return sum(any(row != self.empty_row for row in own) for own in self.rows)

    def batch(self, indices: Sequence[int], device: torch.device) -> MoleculeBatch:
        """The molecules of the posts at ``indices``."""
        return self.table.batch([self.rows[i] for i in indices], device)


def read_molecules(by_post: Sequence[Sequence[str]], reader: MoleculeReader) -> PostMolecules:
    """Read each distinct SMILES of some posts once, whatever number of posts it stands in."""
    # The empty SMILES is always among them: a table is never empty.
    distinct = sorted({NO_MOLECULE, *(smiles for own in by_post for smiles in own)})
    row_of = {smiles: row for row, smiles in enumerate(distinct)}
    rows = [[row_of[smiles] for smiles in own] for own in by_post]
    return PostMolecules(reader(distinct), rows, row_of[NO_MOLECULE])


def choose_molecules(
    drugs: Iterable[DrugMention], *, only_first: bool, absent: Literal["empty", "zeros"]
) -> tuple[str, ...]:
    """The molecules that a network reads of one post: each once, in order of appearance.

    Args:
        drugs: The post's drugs; those whose molecule is not known are passed over.
        only_first: Take the first alone.
        absent: Without any, ``empty`` gives the empty SMILES (the paper, section 2.3), and
            ``zeros`` nothing, which every fusion reads as zeros (the paper's code).
    """
    found = tuple(dict.fromkeys(drug.smiles for drug in drugs if drug.smiles))
    if not found:
        return (NO_MOLECULE,) if absent == "empty" else ()
    return found[:1] if only_first else found
