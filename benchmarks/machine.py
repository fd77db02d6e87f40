"""The machine that a number was measured on, without its name."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers

from smm4h_core.encoders.precision import choose_device, choose_dtype


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides a speed."""

    processor: str
    """The processor's own name; the GPU's where there is one."""
    cores: int
    """Cores that this process may use; torch uses as many threads."""
    device: str
    """``cpu`` or ``cuda``."""
    native_bf16: bool
    """Whether it multiplies bf16 natively, so that training and serving choose it."""
    load: float
    """Processes that wanted a core in the minute before; near 0 where nothing else runs."""
    python: str
    """Version."""
    torch: str
    """Version."""
    transformers: str
    """Version."""

    @property
    def busy(self) -> bool:
        """Whether something else was running, which makes every speed doubtful."""
        return self.load > 0.5 * self.cores


def describe_machine() -> Machine:
    """Look at this machine."""
    device = choose_device()
    on_gpu = device.type == "cuda"
    return Machine(
        processor=torch.cuda.get_device_name() if on_gpu else _processor_name(),
        cores=usable_cores(),
        device=device.type,
        native_bf16=choose_dtype("auto", device) == torch.bfloat16,
        load=round(os.getloadavg()[0], 2),
        python=platform.python_version(),
        torch=torch.__version__,
        transformers=transformers.__version__,
    )


def usable_cores() -> int:
    """Cores that the system lets this process use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor_name() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
