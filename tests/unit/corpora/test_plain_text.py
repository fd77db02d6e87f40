"""Files of other people's tools are read whatever their encoding and line ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from smm4h_core.corpora.plain_text import read_first_line, read_text
from smm4h_core.corpora.problems import Problem
from smm4h_core.errors import DataError


@pytest.mark.parametrize(
    "content",
    [
        "болит\nsad \U0001f634".encode(),
        "болит\r\nsad \U0001f634".encode(),
        "болит\rsad \U0001f634".encode(),
        "\ufeffболит\nsad \U0001f634".encode(),
        "болит\r\nsad \U0001f634".encode("utf-16"),
        "\ufeffболит\nsad \U0001f634".encode("utf-16-be"),
    ],
)
def test_read_text_gives_one_text_for_every_encoding(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    problems: list[Problem] = []
    assert read_text(path, problems.append) == "болит\nsad \U0001f634"
    assert problems == []


def test_read_text_reads_windows_1252_and_says_where_it_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("fine\r\nit\u2019s caf\xe9".encode("cp1252"))
    problems: list[Problem] = []
    assert read_text(path, problems.append) == "fine\nit\u2019s caf\xe9"
    (problem,) = problems
    assert (problem.line, problem.code, problem.severity) == (2, "other-encoding", "note")
    assert "byte 0x92" in problem.message


def test_read_text_keeps_separators_that_only_unicode_calls_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a\u2028b\x85c\x0cd", encoding="utf-8")
    assert read_text(path) == "a\u2028b\x85c\x0cd"


def test_read_text_refuses_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a file, got a folder"):
        read_text(tmp_path)
    with pytest.raises(DataError, match="expected a file, got nothing"):
        read_text(tmp_path / "absent")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_read_first_line_is_the_first_of_read_text(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(f"\u0430\u040aболит{end}sad{end}".encode(encoding))
    assert read_first_line(path) == read_text(path).split("\n")[0]
    path.write_bytes(b"")
    assert read_first_line(path) == ""
