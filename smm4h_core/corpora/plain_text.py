"""Text files as other people's tools leave them: a BOM or none, in one of three encodings."""

from __future__ import annotations

import codecs
from pathlib import Path

from smm4h_core.corpora.problems import Problem, Report, refuse
from smm4h_core.errors import DataError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD_BYTES = 1 << 20


def require_file(path: Path) -> None:
    """Refuse a path that is no file.

    Raises:
        DataError: it is a folder, or nothing.
    """
    if not path.is_file():
        raise DataError(
            f"{path}: expected a file, got {'a folder' if path.is_dir() else 'nothing'}"
        )


def is_hidden(path: Path) -> bool:
    """Whether a name begins with a full stop: macOS leaves ``._x.txt`` beside ``x.txt``."""
    return path.name.startswith(".")


def read_first_line(path: Path) -> str:
    """Read the first line, without its end, as :func:`read_text` does; what a shape is told by."""
    with path.open("rb") as stream:
        content = stream.readline(_HEAD_BYTES)
        if content.startswith(_UTF16):  # whose line ends are no single bytes
            content += stream.read(_HEAD_BYTES)
    return _decode(content, path, lambda _: None).partition("\n")[0]


def read_text(path: Path, report: Report = refuse) -> str:
    r"""Read a file whole; every line ends in ``\n``, whichever system wrote it.

    A byte-order mark tells UTF-8 or UTF-16. A file that is not UTF-8 is read as Windows-1252, which
    gives one character for each byte, and is reported as a note.

    Raises:
        DataError: there is no such file.
    """
    require_file(path)
    return _decode(path.read_bytes(), path, report)


def _decode(content: bytes, path: Path, report: Report) -> str:
    if content.startswith(_UTF16):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            got = f"byte 0x{content[error.start]:02x}"
            message = f"expected UTF-8, got {got}: the file is read as Windows-1252"
            report(Problem(path, line, "other-encoding", message, "note"))
            text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
