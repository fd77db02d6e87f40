"""Who listens where, read from Linux's own files."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

PROC = Path("/proc")
LISTEN = "0A"


def listening(marker: str) -> set[tuple[IPv4Address | IPv6Address, int]]:
    """Addresses and ports at which processes listen whose environment holds ``marker``."""
    opened = {
        link
        for process in PROC.iterdir()
        if process.name.isdecimal() and marker.encode() in _read(process / "environ")
        for link in _links(process / "fd")
    }
    found = set()
    for table in ("tcp", "tcp6"):
        for row in (PROC / "net" / table).read_text().splitlines()[1:]:
            cells = row.split()
            if cells[3] == LISTEN and f"socket:[{cells[9]}]" in opened:
                address, port = cells[1].split(":")
                found.add((_address(address), int(port, 16)))
    return found


def is_loopback(address: IPv4Address | IPv6Address) -> bool:
    """Whether no other machine reaches an address; IPv4's within IPv6 too."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _address(cell: str) -> IPv4Address | IPv6Address:
    words = [bytes.fromhex(cell[n : n + 8])[::-1] for n in range(0, len(cell), 8)]
    packed = b"".join(words)
    return IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)


def _read(path: Path) -> bytes:
    with suppress(OSError):  # a process that has ended, or is another user's
        return path.read_bytes()
    return b""


def _links(folder: Path) -> list[str]:
    links: list[str] = []
    with suppress(OSError):
        for each in folder.iterdir():
            with suppress(OSError):
                links.append(str(each.readlink()))
    return links
