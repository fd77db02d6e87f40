"""Approximate search for terminologies too large to compare with every term.

Inverted lists and not a graph (HNSW): terms leave lists as easily as they enter, while FAISS's
graphs give none up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

FLAT_MOST = 100_000
"""Terms up to which every one is compared: at 100,000 of 384 dimensions that takes a core 1.9 ms a
query in batch, and no answer is lost (docs/decisions/0010)."""
WORTH_SHARE = 1 / 8
"""Of the clusters: IVF took 0.1 us a vector, flat search by matrix product 0.02 in batch, so that
lists of more than a fifth of all vectors cost more than all of them."""
WANTED_RECALL = 0.985
"""Of the ten nearest, on terms of the index itself: the reach is 0.98 on others."""
SAMPLE = 256
"""Queries that the number of probes is measured by."""
TRAINED_ON = 48
"""Vectors a cluster that k-means sees; FAISS itself asks for 39 at least."""
NEAREST = 10


def build_ivf(vectors: Vectors, *, seed: int = 0) -> Any:
    """An empty inverted-list index, trained, with as few probes as keep `WANTED_RECALL`.

    ``4 * sqrt(N)`` clusters, as FAISS's own guidelines have it. The number of probes is measured:
    doubled until the sample's nearest ten are those of a full search.

    Args:
        vectors: ``(N, H)`` what will be added.
        seed: Of the samples.
    """
    import faiss

    num_vectors, dimension = vectors.shape
    num_lists = max(1, min(round(4 * num_vectors**0.5), num_vectors // 39 or 1))
    rng = np.random.default_rng(seed)
    training = vectors[_sample(rng, num_vectors, TRAINED_ON * num_lists)]
    quantiser = faiss.IndexFlatL2(dimension)
    index = faiss.IndexIVFFlat(quantiser, dimension, num_lists, faiss.METRIC_L2)
    index.cp.seed = 1234 + seed
    index.train(training)
    # By number, so that a vector can be read back and removed.
    kinds: Any = faiss  # whose stubs lack the class
    index.set_direct_map_type(kinds.DirectMap.Hashtable)
    queries = vectors[_sample(rng, num_vectors, SAMPLE)]
    index.nprobe = _choose_probes(index, vectors, queries)
    return index


def is_worth_it(index: Any) -> bool:
    """Whether an index of `build_ivf` leaves so much out that it is faster than flat search."""
    return bool(index.nprobe <= WORTH_SHARE * index.nlist)


def recall_at_ten(found: NDArray[np.int64], true: NDArray[np.int64]) -> float:
    """Share of the true nearest ``(B, 10)`` that were found ``(B, 10)``."""
    hits = (found[:, :, None] == true[:, None, :]).any(axis=2) & (found >= 0)
    return float(hits.sum() / true.size)


def _choose_probes(index: Any, vectors: Vectors, queries: Vectors) -> int:
    import faiss

    _, true = faiss.knn(queries, vectors, min(NEAREST, len(vectors)))
    index.add_with_ids(vectors, np.arange(len(vectors), dtype=np.int64))
    probes = 1
    while probes < index.nlist:
        index.nprobe = probes
        _, found = index.search(queries, true.shape[1])
        if recall_at_ten(found, true) >= WANTED_RECALL:
            break
        probes *= 2
    index.reset()
    return min(probes, int(index.nlist))


def _sample(rng: np.random.Generator, size: int, wanted: int) -> NDArray[np.int64]:
    chosen: NDArray[np.int64] = np.sort(rng.choice(size, min(size, wanted), replace=False))
    return chosen
