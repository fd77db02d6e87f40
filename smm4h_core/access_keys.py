"""Keys of those who may use a service: a file of digests, never of the keys themselves.

A key is 256 random bits, so one round of SHA-256 keeps it: there is nothing to guess from. The
command line writes the file and serving reads it; it is the one thing besides bundles that they
share.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args
from uuid import uuid4

from smm4h_core.errors import ConfigError

Scope = Literal["predict", "admin", "metrics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "smm4h_"
"""Begins every key, so that a leaked one can be searched for."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class AccessKey:
    """What is kept of a key."""

    name: str
    """Whose it is."""
    scopes: tuple[Scope, ...]
    """What it allows: ``predict`` to ask, ``metrics`` to read metrics, ``admin`` the rest."""
    sha256: str
    """Digest of the key, hexadecimal."""
    created: str
    """When, ISO 8601."""


def read_keys(path: Path) -> tuple[AccessKey, ...]:
    """The keys of a file; none where there is no file.

    Raises:
        ConfigError: a file that is not one of keys, or that too many may read or write.
    """
    if not path.exists():
        return ()
    if mode := stat.S_IMODE(path.stat().st_mode) & 0o037:
        raise ConfigError(
            f"{path}: expected rights of its owner alone, got {mode:04o} more; chmod 600"
        )
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(rows, list):
            raise TypeError("expected a list")
        keys = tuple(AccessKey(**{**row, "scopes": tuple(row["scopes"])}) for row in rows)
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"{path}: not a file of keys: {type(error).__name__}") from None
    for key in keys:
        _check(key.name, key.scopes)
        if not re.fullmatch(r"[0-9a-f]{64}", key.sha256):
            raise ConfigError(f"{path}: {key.name}: expected a SHA-256 in hexadecimal")
    return keys


def add_key(path: Path, name: str, scopes: Sequence[Scope]) -> str:
    """Make a key, keep its digest, and return the key, which is nowhere else.

    Raises:
        ConfigError: a name that does not fit or is taken, or a scope that is unknown.
    """
    _check(name, scopes)
    keys = read_keys(path)
    if name in {key.name for key in keys}:
        raise ConfigError(f"{path}: {name!r} has a key; revoke it first, or add another name")
    key = PREFIX + secrets.token_urlsafe(32)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    kept = AccessKey(name, tuple(dict.fromkeys(scopes)), _digest(key), created)
    _write(path, (*keys, kept))
    return key


def revoke_key(path: Path, name: str) -> None:
    """Forget a key.

    Raises:
        ConfigError: there is none of that name.
    """
    keys = read_keys(path)
    if name not in {key.name for key in keys}:
        names = ", ".join(key.name for key in keys) or "none"
        raise ConfigError(f"{path}: expected one of {names}, got {name!r}")
    _write(path, tuple(key for key in keys if key.name != name))


def find_key(keys: Sequence[AccessKey], given: str) -> AccessKey | None:
    """Whose key that is; every digest is compared, each in constant time."""
    digest, found = _digest(given), None
    for key in keys:
        if hmac.compare_digest(key.sha256, digest):
            found = key
    return found


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _check(name: str, scopes: Sequence[str]) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"name: expected {_NAME.pattern}, got {name!r:.80}")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise ConfigError(f"scopes: expected among {', '.join(SCOPES)}, got {list(scopes)!r:.80}")


def _write(path: Path, keys: Sequence[AccessKey]) -> None:
    # Whole or not at all, and never readable by others, not even for a moment.
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump([asdict(key) for key in keys], stream, indent=1)
        stream.write("\n")
    unfinished.replace(path)
