from pathlib import Path

import pytest

from smm4h_core.link.source import read_terminology
from smm4h_core.link.synthetic import write_synthetic_release
from smm4h_core.link.terminology import Term, Terminology, build_terminology


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic MedDRA release; tests that break it copy it first."""
    folder = tmp_path_factory.mktemp("meddra") / "release"
    write_synthetic_release(folder)
    return folder


@pytest.fixture(scope="session")
def synthetic(release: Path) -> Terminology:
    return read_terminology(str(release))


@pytest.fixture(scope="session")
def effects() -> Terminology:
    """Five concepts in two languages; one was withdrawn."""
    rows = [
        ("C1", "Headache", "preferred", "en"),
        ("C1", "head pain", "synonym", "en"),
        ("C1", "болит голова", "lay", "ru"),
        ("C2", "Nausea", "preferred", "en"),
        ("C2", "sick to my stomach", "lay", "en"),
        ("C2", "тошнота", "lay", "ru"),
        ("C3", "Insomnia", "preferred", "en"),
        ("C3", "can't sleep", "lay", "en"),
        ("C4", "Increased body weight", "preferred", "en"),
        ("C4", "weight gain", "lay", "en"),
    ]
    withdrawn = Term("C5", "Head complaint", "preferred", "en", current=False)
    return build_terminology("effects", "1", [*(Term(*row) for row in rows), withdrawn])
