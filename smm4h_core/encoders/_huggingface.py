"""All that is particular to Hugging Face: configurations, tokenizers, models, quiet loading."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import (
    MODEL_MAPPING,
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.initialization import no_init_weights
from transformers.utils import logging
from transformers.utils.hub import cached_file

from smm4h_core.encoders.base import (
    EncoderOutput,
    Encoding,
    LoadedEncoder,
    Pooling,
    TextEncoder,
    TokenBatch,
    replace_surrogates,
)
from smm4h_core.encoders.packed import can_pack, encode_packed
from smm4h_core.errors import EncoderError

_REFUSALS = (OSError, ValueError, KeyError, RuntimeError, SafetensorError)


class HuggingFaceEncoder(TextEncoder):
    """A transformer of the hub's kind, without its own pooling layer."""

    family = "huggingface"

    def __init__(self, model: PreTrainedModel, *, max_length: int, pooling: Pooling) -> None:
        size = int(model.config.hidden_size)
        super().__init__(hidden_size=size, states_size=size, max_length=max_length, pooling=pooling)
        self.model = model
        self.packs = can_pack(model)
        """Whether its answers on a CPU are computed without padding."""

    def forward(self, batch: TokenBatch) -> EncoderOutput:
        """Encodes a batch of at most ``max_length`` word-pieces a text."""
        states = self._states(batch)  # (B, L, H)
        return EncoderOutput(states=states, pooled=self.pool(states, batch.attention_mask))

    def _states(self, batch: TokenBatch) -> Tensor:
        answers_only = not (self.training or torch.is_grad_enabled())
        if answers_only and self.skips_padding(batch.input_ids.device):
            return encode_packed(self.model, batch)
        answer = self.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
        states: Tensor = answer.last_hidden_state
        return states

    def skips_padding(self, device: torch.device) -> bool:
        """On a CPU; a GPU pays more for many small products than for padding."""
        return device.type == "cpu" and self.packs

    def pool(self, states: Tensor, attention_mask: Tensor) -> Tensor:
        """The first state, or the mean over the word-pieces."""
        if self.pooling == "cls":
            return states[:, 0]
        # bf16 sums of a few hundred states lose their last digits.
        weights = attention_mask[:, :, None].float()  # (B, L, 1)
        mean = (states.float() * weights).sum(1) / weights.sum(1).clamp(min=1)  # (B, H)
        return mean.to(states.dtype)

    def input_embeddings(self) -> nn.Embedding:
        """The word-piece table."""
        table = self.model.get_input_embeddings()
        assert isinstance(table, nn.Embedding)
        return table

    def save_config(self, folder: Path) -> None:
        """Writes ``config.json``."""
        self.model.config.save_pretrained(folder)


class HuggingFaceTokeniser:
    """A fast tokenizer; text that spells a special token stays text."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        assert isinstance(tokenizer.pad_token_id, int)
        self.pad_id = tokenizer.pad_token_id
        self._tokenizer = tokenizer
        self._backend = tokenizer.backend_tokenizer
        # Files of sentence encoders ask for padding to a fixed length.
        self._backend.no_padding()
        self._backend.encode_special_tokens = True
        probe = " a a"
        places = self._backend.encode(probe, add_special_tokens=False).offsets
        self._quotes_spaces = any(" " in probe[start:end] for start, end in places)

    def encode(self, texts: Sequence[str], *, max_length: int) -> list[Encoding]:
        """Encodes each text, cut to ``max_length`` word-pieces with the special tokens kept."""
        self._backend.enable_truncation(max_length)
        texts = [replace_surrogates(text) for text in texts]
        encoded = self._backend.encode_batch(texts)
        offsets = [encoding.offsets for encoding in encoded]
        if self._quotes_spaces:
            offsets = [_trim(*pair) for pair in zip(texts, offsets, strict=True)]
        return [
            Encoding(encoding.ids, places, truncated=bool(encoding.overflowing))
            for encoding, places in zip(encoded, offsets, strict=True)
        ]

    def save(self, folder: Path) -> None:
        """Writes the tokenizer's files as Hugging Face saves them."""
        self._backend.no_truncation()
        self._tokenizer.save_pretrained(folder)


def load_huggingface(source: str, *, uri: str, pooling: Pooling | None) -> LoadedEncoder:
    """Loads weights, configuration and tokenizer from a folder or a hub id.

    Args:
        source: A folder, or a hub id that is looked up in the local cache first.
        uri: The name to give in errors.
        pooling: None for what a sentence-transformers folder states, else ``cls``.

    Raises:
        EncoderError: Something is missing, unknown, or leaves weights at random.
    """
    with _quiet(), _explained(source, uri):
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        options = _architecture(config, uri)
        model, report = AutoModel.from_pretrained(
            source,
            config=config,
            dtype=torch.float32,
            output_loading_info=True,
            weights_only=True,
            trust_remote_code=False,
            **options,
        )
        chosen = pooling or _stated_pooling(source, uri)
    if unset := sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"])):
        raise EncoderError(f"{uri}: the weights do not fill {', '.join(unset[:5])}")
    return _assemble(source, model, uri=uri, pooling=chosen)


def build_huggingface(folder: Path, *, uri: str, pooling: Pooling) -> LoadedEncoder:
    """Builds the network with unset weights, and the tokenizer, from a saved folder.

    Raises:
        EncoderError: Configuration or tokenizer are missing or unknown.
    """
    with _quiet(), _explained(str(folder), uri), no_init_weights():
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        options = _architecture(config, uri)
        model = AutoModel.from_config(  # type: ignore[no-untyped-call]
            config, dtype=torch.float32, **options
        )
    return _assemble(str(folder), model, uri=uri, pooling=pooling)


def _assemble(source: str, model: Any, *, uri: str, pooling: Pooling) -> LoadedEncoder:
    if pooling == "native":
        raise EncoderError(f"{uri}: expected pooling cls or mean, got 'native'")
    with _quiet(), _explained(source, uri):
        tokenizer = _load_tokenizer(source)
    if not isinstance(tokenizer, PreTrainedTokenizerFast) or tokenizer.pad_token_id is None:
        raise EncoderError(f"{uri}: expected a fast tokenizer with a padding token")
    rows = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows:
        raise EncoderError(f"{uri}: {len(tokenizer)} word-pieces, but a table of {rows} rows")
    max_length = min(_num_positions(model), tokenizer.model_max_length)
    encoder = HuggingFaceEncoder(model, max_length=max_length, pooling=pooling).eval()
    return LoadedEncoder(encoder=encoder, tokeniser=HuggingFaceTokeniser(tokenizer), uri=uri)


def _architecture(config: Any, uri: str) -> dict[str, bool]:
    """Constructor options that leave out the pooling layer, whose weights nothing here trains."""
    network: Any = MODEL_MAPPING.get(type(config), None)
    is_encoder = isinstance(network, type) and not config.is_encoder_decoder
    if not is_encoder or not hasattr(config, "hidden_size"):
        raise EncoderError(f"{uri}: expected a text encoder, got model_type {config.model_type!r}")
    if not hasattr(config, "max_position_embeddings"):
        raise EncoderError(f"{uri}: config.json does not say max_position_embeddings")
    parameters = inspect.signature(network).parameters
    return {"add_pooling_layer": False} if "add_pooling_layer" in parameters else {}


def _num_positions(model: Any) -> int:
    """The longest input; RoBERTa's kind counts positions from one past the padding id."""
    positions = int(model.config.max_position_embeddings)
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return positions if padding is None else positions - padding - 1


def _stated_pooling(source: str, uri: str) -> Pooling:
    """What ``1_Pooling/config.json`` of sentence-transformers states; ``cls`` without that file."""
    path = _find(source, "1_Pooling/config.json")
    if path is None:
        return "cls"
    stated = json.loads(path.read_text(encoding="utf-8"))
    modes = [name for name, on in stated.items() if name.startswith("pooling_mode_") and on is True]
    if modes == ["pooling_mode_mean_tokens"]:
        return "mean"
    if modes == ["pooling_mode_cls_token"]:
        return "cls"
    raise EncoderError(f"{uri}: pools by {modes}; say cls or mean instead")


def _load_tokenizer(source: str) -> Any:
    """The folder's tokenizer; a bare ``vocab.txt`` says by its capitals whether to keep case."""
    tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    settings = _find(source, "tokenizer_config.json")
    states_case = settings and "do_lower_case" in json.loads(settings.read_text(encoding="utf-8"))
    if states_case or _find(source, "tokenizer.json"):
        return tokenizer
    pieces = set(tokenizer.get_vocab()) - set(tokenizer.all_special_tokens)
    if getattr(tokenizer, "do_lower_case", False) and any(p != p.lower() for p in pieces):
        # transformers lower-cases unless told, which in Russian also eats the marks of й and ё.
        return AutoTokenizer.from_pretrained(source, do_lower_case=False, trust_remote_code=False)
    return tokenizer


def _find(source: str, name: str) -> Path | None:
    """A file of the folder or the hub id; None where there is none."""
    path = cached_file(
        source,
        name,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return None if path is None else Path(path)


def _trim(text: str, offsets: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Takes surrounding spaces out of each offset, for tokenizers that quote them."""
    trimmed = []
    for start, end in offsets:
        piece = text[start:end]
        left = len(piece) - len(piece.lstrip())
        trimmed.append((start + left, start + max(left, len(piece.rstrip()))))
    return trimmed


@contextmanager
def _explained(source: str, uri: str) -> Iterator[None]:
    """Turns what transformers raises for a bad source into an error that names the URI."""
    try:
        yield
    except EncoderError:
        raise
    except _REFUSALS as error:
        reason = str(error).strip().partition("\n")[0]
        cure = (
            "check that the folder is a complete Hugging Face encoder"
            if Path(source).is_dir()
            else f"fetch it once where there is a network (hf download {uri}), or name a ./folder"
        )
        raise EncoderError(f"{uri}: cannot be loaded: {reason} ({cure})") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences progress bars and load reports; `load_huggingface` checks the report itself."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
