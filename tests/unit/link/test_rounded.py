"""Vectors at a byte a number: near the true ones, and the same again after saving."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smm4h_core.errors import DataError
from smm4h_core.link.index import build_term_index, index_files, load_term_index, save_term_index
from smm4h_core.link.rounded import round_vectors
from smm4h_core.link.similarity import Vectors
from smm4h_core.link.terminology import Term
from smm4h_core.storage import open_storage

TERMS = [Term(f"C{n // 3:03d}", f"t{n}", "synonym", "en") for n in range(600)]


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    drawn = np.random.default_rng(0).normal(size=(len(TERMS), 64)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_round_vectors_stays_near_and_is_itself_again(vectors: Vectors) -> None:
    rounded = round_vectors(vectors)
    assert np.linalg.norm(rounded - vectors, axis=1).max() < 0.01
    assert (rounded != vectors).any()
    np.testing.assert_array_equal(round_vectors(rounded), rounded)


def test_round_vectors_keeps_a_vector_of_zeros() -> None:
    assert not round_vectors(np.zeros((2, 4), dtype=np.float32)).any()


def test_index_of_rounded_vectors_finds_nearly_what_the_flat_one_does(vectors: Vectors) -> None:
    places, _ = build_term_index(TERMS, vectors, kind="int8").search(vectors, num_terms=10)
    exact, _ = build_term_index(TERMS, vectors, kind="flat").search(vectors, num_terms=10)
    shared = [len(set(a) & set(b)) for a, b in zip(places.tolist(), exact.tolist(), strict=True)]
    assert np.mean(shared) > 9.5


def test_index_of_rounded_vectors_is_read_back_as_it_was_written(
    vectors: Vectors, tmp_path: Path
) -> None:
    index = build_term_index(TERMS[:500], vectors[:500], kind="int8")
    index.remove([1, 2])
    index.add(TERMS[500:], vectors[500:])
    save_term_index(index, open_storage(str(tmp_path)))

    again = load_term_index(tmp_path)

    assert (again.kind, again.entries) == ("int8", index.entries)
    assert again.link(vectors[:50]) == index.link(vectors[:50])
    again.remove([5])  # read into memory, so it can change
    written = sorted(path.name for path in tmp_path.iterdir())
    assert sorted(index_files(open_storage(str(tmp_path)))) == written
    assert (tmp_path / "vectors.safetensors").stat().st_size < vectors.nbytes * 0.4


def test_load_term_index_names_the_rounded_vectors_that_are_wrong(
    vectors: Vectors, tmp_path: Path
) -> None:
    index = build_term_index(TERMS, vectors, kind="int8")
    save_term_index(index, open_storage(str(tmp_path)))
    (tmp_path / "vectors.safetensors").write_bytes(b"xxxx")
    with pytest.raises(DataError, match=r"vectors\.safetensors: expected rounded vectors"):
        load_term_index(tmp_path)
