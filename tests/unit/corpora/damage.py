"""Archives that a bad disk or a bad transfer has changed."""

from __future__ import annotations

import zipfile
from pathlib import Path


def damage(path: Path, name: str) -> None:
    """Change one byte in the middle of an archive's file, as its checksum will show."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(name)
    content = bytearray(path.read_bytes())
    content[info.header_offset + 30 + len(name) + info.compress_size // 2] ^= 0xFF
    path.write_bytes(content)
