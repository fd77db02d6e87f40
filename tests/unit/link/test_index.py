from pathlib import Path

import numpy as np
import pytest

from smm4h_core.errors import DataError
from smm4h_core.link import index as index_module
from smm4h_core.link.approximate import recall_at_ten
from smm4h_core.link.index import (
    IndexKind,
    TermIndex,
    build_term_index,
    load_term_index,
    save_term_index,
)
from smm4h_core.link.similarity import Vectors
from smm4h_core.link.terminology import Term
from smm4h_core.storage import open_storage
from smm4h_core.types import Lang

SIZE = 600


def terms(number: int, prefix: str = "t") -> list[Term]:
    return [Term(f"C{n // 3:03d}", f"{prefix}{n}", "synonym", "en") for n in range(number)]


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return np.random.default_rng(0).normal(size=(SIZE, 16)).astype(np.float32)


@pytest.fixture(params=["flat", "ivf"])
def kind(request: pytest.FixtureRequest) -> IndexKind:
    return request.param


@pytest.fixture
def index(vectors: Vectors, kind: IndexKind) -> TermIndex:
    return build_term_index(terms(SIZE), vectors, kind=kind)


def test_index_finds_each_term_by_its_own_vector(index: TermIndex, vectors: Vectors) -> None:
    places, distances = index.search(vectors, num_terms=1)
    assert places[:, 0].tolist() == list(range(SIZE))
    assert not distances.any()


def test_index_answers_euclidean_distances_not_squared(index: TermIndex, vectors: Vectors) -> None:
    places, distances = index.search(vectors[:1], num_terms=3)
    apart = np.linalg.norm(vectors[places[0]].astype(float) - vectors[0], axis=1)
    assert distances[0] == pytest.approx(apart, abs=1e-5)


def test_index_links_concepts_by_their_nearest_term(index: TermIndex, vectors: Vectors) -> None:
    (found,) = index.link(vectors[4:5], num_candidates=4)
    assert (found[0].concept_id, found[0].term, found[0].score) == ("C001", "t4", 0.0)
    assert len({each.concept_id for each in found}) == 4
    assert [each.score for each in found] == sorted((e.score for e in found), reverse=True)


def test_index_answers_alike_alone_and_among_others(index: TermIndex, vectors: Vectors) -> None:
    queries = vectors[:40] + np.float32(0.1)
    assert index.link(queries) == [index.link(queries[n : n + 1])[0] for n in range(40)]


def test_index_breaks_ties_by_concept() -> None:
    same = np.ones((4, 8), dtype=np.float32)
    built = build_term_index([Term(c, c, "lay", "en") for c in ("D", "B", "C", "A")], same)
    (found,) = built.link(same[:1], num_candidates=3)
    assert [each.concept_id for each in found] == ["A", "B", "C"]


def test_index_goes_on_where_many_terms_are_of_one_concept() -> None:
    many = [Term("A", f"a{n}", "lay", "en") for n in range(200)] + [Term("B", "b", "lay", "en")]
    rows = np.zeros((201, 4), dtype=np.float32)
    rows[200] = 1
    (found,) = build_term_index(many, rows).link(rows[:1], num_candidates=2)
    assert [each.concept_id for each in found] == ["A", "B"]


def test_index_takes_terms_in_and_out(index: TermIndex, vectors: Vectors) -> None:
    new = np.full((1, 16), 9, dtype=np.float32)
    numbers = index.add([Term("NEW", "new", "lay", "en")], new)
    assert index.link(new, num_candidates=1)[0][0].concept_id == "NEW"

    index.remove([*numbers.tolist(), *index.numbers_of("C001")])

    assert len(index) == SIZE - 3
    assert index.numbers_of("C001") == []
    (found,) = index.link(vectors[4:5], num_candidates=200)
    assert {"NEW", "C001"}.isdisjoint(each.concept_id for each in found)
    places, _ = index.search(vectors[6:7], num_terms=1)
    assert places.tolist() == [[6]], "the others keep their numbers"


def test_index_grown_answers_as_one_built_at_once(vectors: Vectors) -> None:
    grown = build_term_index(terms(SIZE)[:100], vectors[:100])
    grown.add(terms(SIZE)[100:], vectors[100:])
    queries = vectors[::7] + np.float32(0.05)
    assert grown.link(queries) == build_term_index(terms(SIZE), vectors).link(queries)


def test_index_refuses_numbers_that_are_not_there(index: TermIndex) -> None:
    index.remove([5])
    for number in (5, SIZE, -1):
        with pytest.raises(DataError, match=f"expected the number of a term in it, got {number}"):
            index.remove([number])


@pytest.mark.parametrize("memory_mapped", [True, False])
def test_index_is_read_back_as_it_was_written(
    index: TermIndex, vectors: Vectors, memory_mapped: bool, tmp_path: Path
) -> None:
    index.remove([1, 2])
    save_term_index(index, open_storage(str(tmp_path)))

    again = load_term_index(tmp_path, memory_mapped=memory_mapped)
    assert (str(tmp_path) in Path("/proc/self/maps").read_text()) is memory_mapped

    assert (again.kind, len(again), again.entries) == (index.kind, len(index), index.entries)
    assert again.link(vectors[:50]) == index.link(vectors[:50])
    assert {path.suffix for path in tmp_path.iterdir()} == {".faiss", ".parquet", ".json"}


def test_index_mapped_from_its_file_refuses_changes(index: TermIndex, tmp_path: Path) -> None:
    save_term_index(index, open_storage(str(tmp_path)))
    mapped = load_term_index(tmp_path)
    with pytest.raises(DataError, match="memory_mapped=False"):
        mapped.remove([1])
    with pytest.raises(DataError, match="memory_mapped=False"):
        mapped.add(terms(1), np.zeros((1, 16), dtype=np.float32))
    changed = load_term_index(tmp_path, memory_mapped=False)
    changed.remove([1])
    assert len(changed) == SIZE - 1


def test_load_term_index_names_the_file_that_is_wrong(index: TermIndex, tmp_path: Path) -> None:
    save_term_index(index, open_storage(str(tmp_path)))
    (tmp_path / "index.faiss").write_bytes(b"xxxx")
    with pytest.raises(DataError, match=r"index\.faiss: expected a FAISS index"):
        load_term_index(tmp_path)
    with pytest.raises(DataError, match=r"index\.json: no such file"):
        load_term_index(tmp_path / "nowhere")


def test_load_term_index_refuses_files_of_two_indexes(index: TermIndex, tmp_path: Path) -> None:
    save_term_index(index, open_storage(str(tmp_path / "a")))
    index.remove([0])
    save_term_index(index, open_storage(str(tmp_path / "b")))
    (tmp_path / "b" / "entries.parquet").replace(tmp_path / "a" / "entries.parquet")
    with pytest.raises(DataError, match="599 entries"):
        load_term_index(tmp_path / "a")


def test_build_term_index_refuses_what_does_not_fit(vectors: Vectors) -> None:
    with pytest.raises(DataError, match="expected terms, got none"):
        build_term_index([], vectors[:0])
    with pytest.raises(DataError, match=r"expected \(2, H\), got \(3, 16\)"):
        build_term_index(terms(2), vectors[:3])
    with pytest.raises(DataError, match="expected finite numbers"):
        build_term_index(terms(1), np.full((1, 4), np.nan, dtype=np.float32))
    with pytest.raises(DataError, match=r"expected \(1, 16\), got \(1, 8\)"):
        build_term_index(terms(SIZE), vectors).search(vectors[:1, :8], num_terms=1)


def test_index_without_terms_left_answers_nothing(vectors: Vectors) -> None:
    built = build_term_index(terms(1), vectors[:1])
    built.remove([0])
    assert built.link(vectors[:2]) == [(), ()]


def test_approximate_index_keeps_the_recall_that_it_promises() -> None:
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(300, 24))
    rows = (centres[rng.integers(300, size=6000)] + rng.normal(size=(6000, 24)) * 0.3).astype("f4")
    queries = rows[:500] + rng.normal(size=(500, 24)).astype("f4") * 0.1
    many = terms(6000)
    flat, _ = build_term_index(many, rows, kind="flat").search(queries, num_terms=10)
    approximate = build_term_index(many, rows, kind="ivf")
    found, _ = approximate.search(queries, num_terms=10)
    assert recall_at_ten(found, flat) >= 0.97
    assert approximate.index.nprobe < approximate.index.nlist / 4, "it does not look at everything"


def test_large_index_is_approximate_only_where_that_is_worth_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index_module, "FLAT_MOST", 1000)
    rng = np.random.default_rng(2)
    far_apart = rng.normal(size=(100, 24)).astype("f4")[rng.integers(100, size=3000)]
    clustered = far_apart + rng.normal(size=(3000, 24)).astype("f4") * 0.01
    assert build_term_index(terms(3000), clustered).kind == "ivf"
    scattered = rng.normal(size=(3000, 64)).astype("f4")
    assert build_term_index(terms(3000), scattered).kind == "flat"
    assert build_term_index(terms(900), clustered[:900]).kind == "flat"


def test_a_concept_is_near_by_terms_of_the_mention_s_language_where_it_has_any() -> None:
    both = [("numb", "en"), ("дрожь", "ru"), ("tremor", "en"), ("сыпь", "ru")]
    concepts = ["HYPO", "TREMOR", "TREMOR", "RASH"]
    made = [Term(c, text, "llt", lang) for c, (text, lang) in zip(concepts, both, strict=True)]
    index = build_term_index(made, np.array([[3.0], [1.0], [4.0], [5.0]], dtype=np.float32))
    sought = np.zeros((1, 1), dtype=np.float32)

    def terms_of(*langs: Lang) -> list[str]:
        return [each.term for each in index.link(sought, langs=langs or None)[0]]

    assert terms_of() == ["дрожь", "numb", "сыпь"]
    # "сыпь" stays: its concept has no English term.
    assert terms_of("en") == ["numb", "tremor", "сыпь"]
    assert terms_of("ru") == ["дрожь", "numb", "сыпь"]
    index.remove(index.numbers_of("TREMOR"))
    index.add([Term("TREMOR", "дрожь", "llt", "ru")], np.ones((1, 1), dtype=np.float32))
    assert terms_of("en") == ["дрожь", "numb", "сыпь"]
