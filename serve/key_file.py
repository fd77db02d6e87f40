"""The file of keys, read anew when it changes: a revoked key stops at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smm4h_core.access_keys import AccessKey, read_keys


class KeyFile:
    """Keys as the file has them now; a look at the file's time costs microseconds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys: Sequence[AccessKey] = ()

    def read(self) -> Sequence[AccessKey]:
        """The keys; none where the file is not there, so that nobody is let in.

        Raises:
            ConfigError: a file that is not one of keys, or that others may read.
        """
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return ()
        now = (found.st_mtime_ns, found.st_size, found.st_ino)
        if now != self._seen:
            self._keys, self._seen = read_keys(self._path), now
        return self._keys
