"""The command line as its users call it: arguments in; exit code, stdout and stderr out."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ray_jobs import cli


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str


Smm4h = Callable[..., Outcome]


@pytest.fixture
def smm4h(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Smm4h:
    def run(*arguments: str | Path, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["smm4h", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    return run
