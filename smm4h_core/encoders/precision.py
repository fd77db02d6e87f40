"""On which device networks compute, and in which number format."""

from __future__ import annotations

from typing import Literal

import torch

Precision = Literal["auto", "fp32", "bf16"]


def choose_device() -> torch.device:
    """The GPU if there is one that this process may use."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_dtype(wanted: Precision, device: torch.device) -> torch.dtype:
    """The dtype of matrix products: ``auto`` takes bf16 where the hardware multiplies it natively.

    Decided from the hardware's own flags, not from a timing, so that every worker on like
    machines decides alike. Elsewhere bf16 is emulated and slower than fp32.
    """
    if wanted == "fp32":
        return torch.float32
    if wanted == "bf16" or _multiplies_bf16(device):
        return torch.bfloat16
    return torch.float32


def _multiplies_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(flag, False) for flag in ("avx512_bf16", "amx_bf16", "bf16"))


def autocast(dtype: torch.dtype, device: torch.device) -> torch.autocast:
    """Mixed precision around a forward pass; does nothing for fp32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)
