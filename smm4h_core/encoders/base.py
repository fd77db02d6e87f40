"""What every encoder takes, gives and says of itself.

Shapes: ``B`` batch, ``L`` word-pieces, ``H_states`` width of a token state, ``H_pooled`` width of
the pooled vector. Offsets are Unicode code points of the text given, end exclusive.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Protocol, get_args

import torch
from torch import Tensor, nn

Pooling = Literal["cls", "mean", "native"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Texts as word-piece ids, padded on the right to one length."""

    input_ids: Tensor
    """``(B, L)`` int64; the tokeniser's ``pad_id`` after each text's end."""
    attention_mask: Tensor
    """``(B, L)`` bool; True where there is a word-piece, False where there is padding."""

    def to(self, device: torch.device) -> TokenBatch:
        """The same batch on ``device``."""
        return TokenBatch(self.input_ids.to(device), self.attention_mask.to(device))


@dataclass(frozen=True, slots=True)
class EncoderOutput:
    """What an encoder says of a batch."""

    states: Tensor
    """``(B, L, H_states)``: one vector a word-piece; meaningless where the batch is padded."""
    pooled: Tensor
    """``(B, H_pooled)``: one vector a text."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One text as word-pieces, special tokens included."""

    input_ids: list[int]
    """Word-piece ids, at most the ``max_length`` asked for."""
    offsets: list[tuple[int, int]]
    """Where each word-piece stands in the text; ``start == end`` for those that quote nothing."""
    truncated: bool
    """Whether the text was longer and its end is not in ``input_ids``."""


class Tokeniser(Protocol):
    """Cuts texts into the word-pieces that its encoder knows."""

    pad_id: int
    """The id that fills a batch."""

    def encode(self, texts: Sequence[str], *, max_length: int) -> list[Encoding]:
        """Encodes each text, cut to ``max_length`` word-pieces with the special tokens kept."""

    def save(self, folder: Path) -> None:
        """Writes all that is needed to build this tokeniser again from ``folder``."""


class TextEncoder(nn.Module, ABC):
    """Base of the encoders; says how wide, how long and how pooled."""

    family: ClassVar[Literal["huggingface", "use-multilingual"]]
    """Which code builds it; kept in ``encoder.json``."""

    def __init__(
        self, *, hidden_size: int, states_size: int, max_length: int, pooling: Pooling
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        """``H_pooled``."""
        self.states_size = states_size
        """``H_states``."""
        self.max_length = max_length
        """The most word-pieces of a text, special tokens included."""
        self.pooling: Pooling = pooling
        """``cls``: the first state; ``mean``: over the word-pieces; ``native``: the model's own."""

    @abstractmethod
    def forward(self, batch: TokenBatch) -> EncoderOutput:
        """Encodes a batch; padding does not change the answer."""

    @abstractmethod
    def pool(self, states: Tensor, attention_mask: Tensor) -> Tensor:
        """One vector a text ``(B, H_pooled)`` of states ``(B, L, H_states)``, as `pooling` says."""

    @abstractmethod
    def input_embeddings(self) -> nn.Embedding:
        """The table that word-piece ids look up."""

    @abstractmethod
    def save_config(self, folder: Path) -> None:
        """Writes what building the architecture needs beside ``encoder.json``."""

    def skips_padding(self, device: torch.device) -> bool:
        """Whether padding costs nothing there, where no gradients are asked for."""
        del device
        return False

    def freeze_embeddings(self) -> None:
        """Keeps the word-piece table as it is; the optimiser then has no dense gradient of it."""
        self.input_embeddings().weight.requires_grad_(False)


@dataclass(frozen=True, slots=True)
class LoadedEncoder:
    """An encoder with the tokeniser that it was trained with."""

    encoder: TextEncoder
    """The network, on the CPU, in float32, in evaluation mode."""
    tokeniser: Tokeniser
    """Its tokeniser."""
    uri: str
    """The name that it was loaded by."""


def pad_encodings(encodings: Sequence[Encoding], *, pad_id: int) -> TokenBatch:
    """Stacks encoded texts, padded on the right to the longest of them."""
    longest = max(len(encoding.input_ids) for encoding in encodings)
    rows = [e.input_ids + [pad_id] * (longest - len(e.input_ids)) for e in encodings]
    lengths = torch.tensor([len(encoding.input_ids) for encoding in encodings])
    return TokenBatch(
        input_ids=torch.tensor(rows, dtype=torch.int64),
        attention_mask=torch.arange(longest) < lengths[:, None],
    )


def replace_surrogates(text: str) -> str:
    """Puts U+FFFD for each lone surrogate, which UTF-8 cannot hold; offsets stay as they were."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
