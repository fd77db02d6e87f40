from __future__ import annotations

import pytest
import torch

from smm4h_core.encoders.precision import autocast, choose_dtype

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "avx2": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_choose_dtype_auto_follows_the_processor(
    monkeypatch: pytest.MonkeyPatch, flags: dict[str, bool], dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags)
    assert choose_dtype("auto", CPU) == dtype


def test_choose_dtype_obeys_a_stated_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert choose_dtype("fp32", CPU) == torch.float32
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert choose_dtype("bf16", CPU) == torch.bfloat16


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_multiplies_in_the_chosen_dtype(dtype: torch.dtype) -> None:
    layer = torch.nn.Linear(4, 4)
    with autocast(dtype, CPU):
        assert layer(torch.zeros(2, 4)).dtype == dtype
    assert layer.weight.dtype == torch.float32
