from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from smm4h_core.drugs.vector_cache import MoleculeVector, read_vectors, write_vectors
from smm4h_core.storage import Storage, open_storage


@pytest.fixture
def folder(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "cache"))


def vector(number: float, *, truncated: bool = False) -> MoleculeVector:
    return MoleculeVector(np.full(4, number, np.float32), truncated)


def test_vectors_come_back_as_they_were_written(folder: Storage) -> None:
    assert read_vectors(folder) == {}
    write_vectors(folder, {"": vector(0), "CCO": vector(1, truncated=True)})
    write_vectors(folder, {"N": vector(2)})
    found = read_vectors(folder)
    assert {smiles: one.truncated for smiles, one in found.items()} == {
        "": False,
        "CCO": True,
        "N": False,
    }
    assert [float(found[each].vector.mean()) for each in ("", "CCO", "N")] == [0, 1, 2]


def test_the_older_of_two_vectors_counts(folder: Storage) -> None:
    for order in (1, -1):
        for place, number in enumerate((1, 2)[::order]):
            write_vectors(folder, {"CCO": vector(number)})
            files = sorted(Path(folder.root).iterdir(), key=os.path.getctime)
            os.utime(files[-1], ns=(place, place))
        assert read_vectors(folder)["CCO"].vector[0] == (1, 2)[::order][0]
        for path in Path(folder.root).iterdir():
            path.unlink()


def test_many_writers_lose_nothing(folder: Storage) -> None:
    def work(worker: int) -> None:
        for number in range(20):
            write_vectors(folder, {f"{worker}-{number}": vector(number), "shared": vector(7)})
            found = read_vectors(folder)
            assert found[f"{worker}-{number}"].vector[0] == number

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    found = read_vectors(folder)
    assert len(found) == 8 * 20 + 1
    assert not list(Path(folder.root).glob("*.partial"))


def test_a_damaged_file_that_another_reader_deletes_first_is_no_vector(
    folder: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_vectors(folder, {"CCO": vector(1)})
    write_vectors(folder, {"N": vector(2)})
    gone, _ = sorted(Path(folder.root).iterdir(), key=lambda path: path.stat().st_mtime_ns)
    read = Storage.read

    def late(self: Storage, name: str) -> object:
        gone.unlink(missing_ok=True)
        return read(self, name)

    monkeypatch.setattr(Storage, "read", late)
    assert set(read_vectors(folder)) == {"N"}


def test_damaged_and_strange_files_are_no_vectors(folder: Storage) -> None:
    write_vectors(folder, {"CCO": vector(1)})
    write_vectors(folder, {"N": vector(2)})
    one, other = sorted(Path(folder.root).iterdir())
    one.write_bytes(one.read_bytes()[:-1])
    strange = Path(folder.root, "notes.txt")
    strange.write_text("not ours")
    unfinished = Path(folder.root, f"{other.name}.0.partial")
    unfinished.write_bytes(b"half")
    assert len(read_vectors(folder)) == 1
    assert not one.exists()
    assert strange.exists()
