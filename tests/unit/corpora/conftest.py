"""Small corpora of our own in the formats of the public originals."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from smm4h_core.corpora.problems import Problem

WriteCadec = Callable[..., Path]
Found = Callable[[Sequence[Problem]], list[tuple[str, int, str, str]]]


@pytest.fixture
def found() -> Found:
    """What the tests compare of problems: file, line, code and severity."""
    return lambda problems: [(p.path.name, p.line, p.code, p.severity) for p in problems]


@pytest.fixture
def write_cadec(tmp_path: Path) -> WriteCadec:
    """Write a document of CADEC; `~` stands for a tab."""

    def write(name: str, text: str | bytes, **annotation: Sequence[str]) -> Path:
        folder = tmp_path / "cadec"
        for part in ("text", "original", "meddra", "sct"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        content = text if isinstance(text, bytes) else text.encode()
        (folder / "text" / f"{name}.txt").write_bytes(content)
        for part, rows in {"original": [], **annotation}.items():
            lines = "".join(row.replace("~", "\t") + "\n" for row in rows)
            (folder / part / f"{name}.ann").write_text(lines, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def write_rudrec(tmp_path: Path) -> Callable[[Sequence[Any]], Path]:
    """Write RuDReC's JSON, one object a line."""

    def write(records: Sequence[Any]) -> Path:
        path = tmp_path / "rudrec_annotated.json"
        lines = [
            record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)
            for record in records
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def write_psytar(tmp_path: Path) -> Callable[..., Path]:
    """Write PsyTAR's workbook from its sheets' rows; every sheet has its published header."""

    def write(
        sentences: Sequence[Sequence[Any]],
        strings: Sequence[Sequence[Any]] = (),
        mapped: Sequence[Sequence[Any]] = (),
        withdrawal: Sequence[Sequence[Any]] = (),
    ) -> Path:
        found = ("drug_id", "sentence_index", "sentences")
        adrs = [f"ADR{number}" for number in range(1, 31)]
        concepts = ("UMLS1", "SNOMED-CT", "UMLS2", "SNOMED-CT")
        sheets: Mapping[str, list[Sequence[Any]]] = {
            "Sample": [("drug_id", "rating", "side-effect", "comment")],
            "Sentence_Labeling": [
                ("id", "comment_id", *found, "ADR", "WD", "EF", "INF", "SSI", "DI"),
                *((None, None, *row) for row in sentences),
            ],
            "ADR_Identified": [("id", *found, *adrs), *((None, *row) for row in strings)],
            "WD_Identified": [
                ("id", *found, "WD1", "WD2"),
                *((None, *row) for row in withdrawal),
            ],
            "ADR_Mapped": [("id", *found[:2], "ADRs", *concepts), *((None, *r) for r in mapped)],
            "WD-Mapped ": [("id", "drug_id", "sentence_id", "WDs", *concepts)],
        }
        workbook = Workbook()
        workbook.remove(workbook.active)
        for name, rows in sheets.items():
            sheet = workbook.create_sheet(name)
            for row in rows:
                sheet.append(row)
        path = tmp_path / "PsyTAR_dataset.xlsx"
        workbook.save(path)
        return path

    return write
