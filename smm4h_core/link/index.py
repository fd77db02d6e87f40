"""A terminology's terms by their vectors: the nearest ones in a FAISS index, by Euclidean distance.

Vectors go in and out without being computed again: a term of a new release or a training mention
costs its own encoding alone. Distances are not squared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from smm4h_core.drugs.curation import language_of
from smm4h_core.errors import DataError
from smm4h_core.link.approximate import FLAT_MOST, build_ivf, is_worth_it
from smm4h_core.link.candidates import take_best
from smm4h_core.link.flat import measure_half_norms, search_flat
from smm4h_core.link.rounded import read_rounded, round_vectors, write_rounded
from smm4h_core.link.similarity import Vectors
from smm4h_core.link.terminology import Term
from smm4h_core.storage import Storage, open_storage
from smm4h_core.types import Candidate, Lang

IndexKind = Literal["flat", "ivf", "int8"]
ENTRIES_FILE, STATED_FILE = "entries.parquet", "index.json"
VECTOR_FILES: Mapping[str, str] = MappingProxyType(
    {"flat": "index.faiss", "ivf": "index.faiss", "int8": "vectors.safetensors"}
)
"""Where vectors lie, by the index's kind."""
SCHEMA_VERSION = 1
SEARCHED_AT_ONCE = 128
TERMS_A_CONCEPT = 4
"""Terms sought first for each concept wanted; more where many terms are of one concept."""
DECIMALS = 5
"""Of a distance: what is nearer than this is a tie. A text's vector differs in the seventh digit
with the batch that it was encoded in."""

Places = NDArray[np.int64]
Distances = NDArray[np.float64]


@dataclass(slots=True, eq=False)
class TermIndex:
    """Vectors of terms, each under a number of its own that is never given again."""

    index: Any
    """The FAISS index, from vectors to numbers."""
    kind: IndexKind
    """``flat`` compares with every vector, ``int8`` with every rounded one; ``ivf`` with those of
    the nearest clusters."""
    entries: list[tuple[str, str] | None]
    """By number: concept and term; None once removed."""
    is_writable: bool = True
    """Whether terms can go in and out: not where vectors are mapped from a file."""
    half_norms: Any = None
    """Of the vectors as they are now, for `search_flat`; None until the first search."""
    order: Places | None = None
    """By number: the place in the order of concept, then of term, which parts ties; None until the
    first search."""
    foreign: Mapping[Lang, NDArray[np.bool_]] | None = None
    """By language of a mention and by number: whether the term is another language's, of a concept
    that has terms of the mention's own; None until they are asked for."""

    def __len__(self) -> int:
        return int(self.index.ntotal)

    @property
    def dimension(self) -> int:
        """``H`` of its vectors."""
        return int(self.index.d)

    def add(self, terms: Sequence[Term], vectors: Vectors) -> Places:
        """Add terms with their vectors ``(N, H)``; answers their numbers.

        Raises:
            DataError: another width, not one vector a term, or one that is not finite.
        """
        self._check_writable()
        vectors = _check_vectors(vectors, len(terms), self.dimension)
        first = len(self.entries)
        numbers = np.arange(first, first + len(terms), dtype=np.int64)
        stored = round_vectors(vectors) if self.kind == "int8" else vectors
        self.index.add_with_ids(stored, numbers)
        self.half_norms = self.order = self.foreign = None
        self.entries += [(term.concept_id, term.term) for term in terms]
        return numbers

    def remove(self, numbers: Iterable[int]) -> None:
        """Remove terms by their numbers.

        Raises:
            DataError: a number that is not there, or no longer.
        """
        self._check_writable()
        chosen = sorted(set(numbers))
        for number in chosen:
            if not (0 <= number < len(self.entries) and self.entries[number] is not None):
                raise DataError(f"index: expected the number of a term in it, got {number}")
        self.index.remove_ids(np.array(chosen, dtype=np.int64))
        self.half_norms = self.order = self.foreign = None
        for number in chosen:
            self.entries[number] = None

    def numbers_of(self, concept_id: str) -> list[int]:
        """Numbers of a concept's terms, to remove them by."""
        return [n for n, entry in enumerate(self.entries) if entry and entry[0] == concept_id]

    def search(self, vectors: Vectors, *, num_terms: int) -> tuple[Places, Distances]:
        """The nearest terms ``(B, T)``: numbers and distances, nearest first.

        Ties stand in order of concept, then of term. T is ``num_terms``, or the whole index where
        that is less; where an approximate index finds fewer, the rest is -1 and infinite.
        """
        vectors = _check_vectors(vectors, len(vectors), self.dimension)
        width = min(num_terms, len(self))
        places = np.full((len(vectors), width), -1, dtype=np.int64)
        distances = np.full((len(vectors), width), np.inf)
        for start in range(0, len(vectors) if width else 0, SEARCHED_AT_ONCE):
            piece = slice(start, start + SEARCHED_AT_ONCE)
            places[piece], distances[piece] = self._search(vectors[piece], width)
        return places, distances

    def link(
        self, vectors: Vectors, *, langs: Sequence[Lang] | None = None, num_candidates: int = 10
    ) -> list[tuple[Candidate, ...]]:
        """Each vector's nearest concepts, by their nearest term; the score is ``-distance``.

        Args:
            vectors: ``(B, H)`` of what is sought.
            langs: ``(B,)`` its languages: a concept that has terms of that language is then near
                by those alone. None holds every term against everything.
            num_candidates: Concepts wanted.
        """
        if langs is not None and self.foreign is None:
            self.foreign = _find_foreign(self.entries)
        answers: list[tuple[Candidate, ...]] = [()] * len(vectors)
        pending = np.arange(len(vectors))
        num_terms = TERMS_A_CONCEPT * num_candidates
        while len(pending) and len(self):
            places, distances = self.search(vectors[pending], num_terms=num_terms)
            left = []
            for row, which in enumerate(pending.tolist()):
                near = places[row] >= 0
                if langs is not None and self.foreign is not None:
                    near &= ~self.foreign[langs[which]][places[row]]
                found = self._found(places[row][near], distances[row][near])
                answers[which] = take_best(found, "similarity", num_candidates=num_candidates)
                # An approximate index that finds fewer than asked has no more to give.
                is_whole = num_terms >= len(self) or places[row][-1] < 0
                if len(answers[which]) < num_candidates and not is_whole:
                    left.append(which)
            pending = np.array(left, dtype=np.int64)
            num_terms *= 4
        return answers

    def _found(self, places: Places, distances: Distances) -> Iterator[tuple[str, str, float]]:
        for place, distance in zip(places.tolist(), distances.tolist(), strict=True):
            if entry := self.entries[place]:
                yield *entry, 0.0 - distance

    def _search(self, vectors: Vectors, width: int) -> tuple[Places, Distances]:
        if self.kind != "ivf":
            if self.half_norms is None:
                self.half_norms = measure_half_norms(self.index)
            places = search_flat(self.index, vectors, self.half_norms, num_terms=width)
        else:
            _, places = self.index.search(vectors, width)
        # Products of matrices differ in the sixth digit with the number of queries; a batch of one
        # must answer as a batch of many, so the distances of what was found are made anew.
        found, where = np.unique(places, return_inverse=True)
        known = found >= 0
        stored = np.zeros((len(found), self.dimension), dtype=np.float32)
        stored[known] = self.index.reconstruct_batch(found[known])
        apart = stored[where.reshape(places.shape)]  # (B, T, H)
        apart -= vectors[:, None]
        squared = np.einsum("bth,bth->bt", apart, apart, dtype=np.float64)
        distances = np.round(np.sqrt(squared), DECIMALS)
        distances[places < 0] = np.inf
        if self.order is None:
            self.order = _order_of(self.entries)
        by_nearness = np.lexsort((self.order[places], distances), axis=1)
        return (
            np.take_along_axis(places, by_nearness, axis=1),
            np.take_along_axis(distances, by_nearness, axis=1),
        )

    def _check_writable(self) -> None:
        if not self.is_writable:  # FAISS would end the process
            raise DataError(
                "index: mapped from its file; load it with memory_mapped=False to change it"
            )


def build_term_index(
    terms: Sequence[Term], vectors: Vectors, *, kind: IndexKind | None = None
) -> TermIndex:
    """An index of terms with their vectors ``(N, H)``.

    Args:
        terms: The terms; their numbers are their places.
        vectors: Their vectors.
        kind: None is ``flat`` up to `FLAT_MOST` terms and ``ivf`` above, where it is worth it.

    Raises:
        DataError: no terms, or vectors that do not fit.
    """
    import faiss

    if not len(terms):
        raise DataError("index: expected terms, got none")
    vectors = _check_vectors(vectors, len(terms), None)
    chosen = kind or ("flat" if len(terms) <= FLAT_MOST else "ivf")
    index = build_ivf(vectors) if chosen == "ivf" else None
    if index is None or (kind is None and not is_worth_it(index)):
        chosen = "int8" if kind == "int8" else "flat"
        index = faiss.IndexIDMap2(faiss.IndexFlatL2(vectors.shape[1]))
    built = TermIndex(index, chosen, [])
    built.add(terms, vectors)
    return built


def save_term_index(built: TermIndex, storage: Storage) -> None:
    """Write the index, its entries and what it is; each file appears whole."""
    import faiss
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: Any = faiss  # whose stubs lack the class
    if built.kind == "int8":
        numbers = faiss.vector_to_array(built.index.id_map)
        vectors = built.index.index.reconstruct_n(0, len(built))
        storage.write(
            VECTOR_FILES[built.kind], lambda stream: write_rounded(vectors, numbers, stream)
        )
    else:
        storage.write(
            VECTOR_FILES[built.kind],
            lambda stream: faiss.write_index(built.index, writer.PyCallbackIOWriter(stream.write)),
        )
    concept_ids = pa.array([entry and entry[0] for entry in built.entries], pa.string())
    terms = pa.array([entry and entry[1] for entry in built.entries], pa.string())
    table = pa.table({"concept_id": concept_ids, "term": terms})
    storage.write(ENTRIES_FILE, lambda stream: pq.write_table(table, stream, compression="zstd"))
    stated = {
        "schema": SCHEMA_VERSION,
        "kind": built.kind,
        "terms": len(built),
        "dimension": built.dimension,
    }
    storage.write_json(STATED_FILE, stated)


def load_term_index(folder: Path, *, memory_mapped: bool = True) -> TermIndex:
    """Read what `save_term_index` wrote.

    Args:
        folder: Where it lies.
        memory_mapped: Leave the vectors in the file, shared by all processes that read it; such an
            index answers, and takes no terms in or out. Rounded ones are always read.

    Raises:
        DataError: a file is missing, of another schema, or does not fit the others.
    """
    import faiss
    import pyarrow as pa
    import pyarrow.parquet as pq

    storage = open_storage(str(folder))
    stated = storage.read_json(STATED_FILE)
    kind = stated.get("kind")
    if stated.get("schema") != SCHEMA_VERSION or kind not in VECTOR_FILES:
        raise DataError(f"{folder / STATED_FILE}: expected schema {SCHEMA_VERSION}, got {stated}")
    memory_mapped = memory_mapped and kind != "int8"
    path = folder / VECTOR_FILES[kind]
    if kind == "int8":
        with storage.read(path.name) as stream:
            vectors, numbers = read_rounded(stream.read(), where=str(path))
        index: Any = faiss.IndexIDMap2(faiss.IndexFlatL2(vectors.shape[1]))
        index.add_with_ids(vectors, numbers)
    else:
        mapped = {"flat": faiss.IO_FLAG_MMAP_IFC, "ivf": faiss.IO_FLAG_MMAP}[kind]
        try:
            index = faiss.read_index(str(path), mapped if memory_mapped else 0)
        except RuntimeError as error:
            reason = str(error).strip().rpartition("\n")[2]
            raise DataError(f"{path}: expected a FAISS index: {reason}") from None
    try:
        with pq.ParquetFile(folder / ENTRIES_FILE) as file:
            table = file.read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{folder / ENTRIES_FILE}: expected a Parquet file: {error}") from None
    pairs = zip(table["concept_id"].to_pylist(), table["term"].to_pylist(), strict=True)
    entries = [None if concept_id is None else (concept_id, term) for concept_id, term in pairs]
    present = sum(entry is not None for entry in entries)
    if not index.ntotal == stated["terms"] == present or index.d != stated["dimension"]:
        raise DataError(
            f"{folder}: expected {stated['terms']} terms of dimension {stated['dimension']}, got "
            f"{index.ntotal} vectors of {index.d} and {present} entries"
        )
    return TermIndex(index, kind, entries, is_writable=not memory_mapped)


def index_files(storage: Storage) -> tuple[str, ...]:
    """Names of the files that the index of a folder is made of."""
    return VECTOR_FILES[storage.read_json(STATED_FILE)["kind"]], ENTRIES_FILE, STATED_FILE


def _order_of(entries: Sequence[tuple[str, str] | None]) -> Places:
    ordered = sorted(range(len(entries)), key=lambda number: entries[number] or ("", ""))
    order = np.empty(len(entries), dtype=np.int64)
    order[ordered] = np.arange(len(entries))
    return order


def _find_foreign(
    entries: Sequence[tuple[str, str] | None],
) -> Mapping[Lang, NDArray[np.bool_]]:
    spoken = {(entry[0], language_of(entry[1])) for entry in entries if entry}

    def is_foreign(entry: tuple[str, str] | None, lang: Lang) -> bool:
        if entry is None:
            return False
        concept_id, term = entry
        return language_of(term) != lang and (concept_id, lang) in spoken

    langs: tuple[Lang, ...] = get_args(Lang)
    return {
        lang: np.array([is_foreign(entry, lang) for entry in entries], dtype=np.bool_)
        for lang in langs
    }


def _check_vectors(vectors: Vectors, num_terms: int, dimension: int | None) -> Vectors:
    fits = vectors.ndim == 2 and len(vectors) == num_terms
    if not fits or (dimension is not None and len(vectors) and vectors.shape[1] != dimension):
        raise DataError(f"vectors: expected ({num_terms}, {dimension or 'H'}), got {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise DataError("vectors: expected finite numbers, got some that are not")
    return np.ascontiguousarray(vectors, dtype=np.float32)
