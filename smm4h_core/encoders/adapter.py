"""Low-rank adapters (LoRA, Hu et al. 2021, arXiv:2106.09685) in an encoder whose weights stay."""

from __future__ import annotations

import json
from pathlib import Path

from torch import nn

from smm4h_core.encoders.base import TextEncoder
from smm4h_core.encoders.identity import encoder_digest, encoder_folder
from smm4h_core.errors import EncoderError
from smm4h_core.sections import AdapterConfig

BASE = "base.json"
"""Names the encoder whose weights a bundle does not carry, with the digest of its files."""
NAME = "adapter"


def add_adapter(encoder: TextEncoder, config: AdapterConfig) -> None:
    """Freezes the encoder and puts an adapter beside each of its projections and convolutions.

    The adapter's first factor is drawn from torch's generator, its second is zero: the encoder
    answers as before until something is learnt.
    """
    from peft import LoraConfig, inject_adapter_in_model  # two seconds to import

    encoder.requires_grad_(False)
    names = [
        name
        for name, module in encoder.named_modules()
        if isinstance(module, nn.Linear | nn.Conv1d)
    ]
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=names,
    )
    inject_adapter_in_model(lora, encoder, adapter_name=NAME)


def name_base(uri: str, folder: Path) -> None:
    """Writes which encoder a bundle's adapters belong to."""
    stated = {"uri": uri, "sha256": encoder_digest(encoder_folder(uri))}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BASE).write_text(json.dumps(stated, indent=1) + "\n", encoding="utf-8")


def check_base(uri: str, folder: Path, *, digest: str | None = None) -> None:
    """Makes sure that the encoder of that name is the one the adapters were trained on.

    Args:
        uri: The encoder.
        folder: Where `name_base` wrote.
        digest: That encoder's, where it is known already.

    Raises:
        EncoderError: it is not there, or its files are others.
    """
    stated = json.loads((folder / BASE).read_text(encoding="utf-8"))
    found = digest or encoder_digest(encoder_folder(uri))
    if stated != {"uri": uri, "sha256": found}:
        raise EncoderError(
            f"{uri}: expected the encoder that the adapters were trained on, {stated['uri']} of "
            f"sha256 {stated['sha256'][:12]}; got one of {found[:12]}"
        )
