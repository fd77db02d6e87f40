"""A tiny random BERT in a folder, as Hugging Face saves one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertModel

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def save_tiny_bert(folder: Path, pieces: Iterable[str], **settings: Any) -> Path:
    """Write a lower-casing BERT of 32 dimensions whose word-pieces are these.

    Args:
        folder: Where to.
        pieces: Its vocabulary, special tokens apart.
        settings: Of `BertConfig`, over the ones here.
    """
    vocabulary = [*SPECIAL, *pieces]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    words = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(words), encoding="utf-8")
    torch.manual_seed(0)
    sizes = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    config = BertConfig(vocab_size=len(vocabulary), **{**sizes, **settings})
    BertModel(config).save_pretrained(folder)
    return folder
