"""Near-duplicate posts: retweets, quotations, texts that differ in a link or a word.

The join is exact, not sampled: two texts are near-duplicates if the Jaccard similarity of their
word sets reaches the threshold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from smm4h_core.corpora.set_join import connecting_pairs

_NOISE = re.compile(r"https?://\S+|www\.\S+|@\w+|\brt\b")
_WORD = re.compile(r"\w+")


def word_set(text: str) -> frozenset[str]:
    """Take the words that two texts are compared by; links, user names and "RT" do not count.

    A text without any other word stands for itself, by its characters without blanks.
    """
    folded = text.casefold()
    return frozenset(_WORD.findall(_NOISE.sub(" ", folded))) or frozenset(("".join(text.split()),))


def find_clusters(texts: Sequence[str], threshold: float = 0.8) -> list[int]:
    """Cluster near-duplicates; whoever is near to a member belongs to the cluster.

    Args:
        texts: The texts.
        threshold: Least Jaccard similarity of near-duplicates, in (0, 1].

    Returns:
        For each text the number of its cluster, counted from 0 in order of first appearance.

    Raises:
        ValueError: the threshold is outside (0, 1].
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"expected a threshold in (0, 1], got {threshold}")
    numbers: dict[frozenset[str], int] = {}
    set_of = [numbers.setdefault(word_set(text), len(numbers)) for text in texts]
    return connect([*connecting_pairs(list(numbers), threshold)], set_of, len(numbers))


def connect(pairs: Sequence[tuple[int, int]], nodes: Sequence[int], num_nodes: int) -> list[int]:
    """Number the connected components of a graph, in the order in which ``nodes`` meets them.

    Args:
        pairs: Edges between nodes ``0 … num_nodes - 1``.
        nodes: The nodes to answer for.
        num_nodes: Nodes in the graph.

    Returns:
        For each of ``nodes`` the number of its component, counted from 0.
    """
    ends = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), (num_nodes, num_nodes))
    _, component = connected_components(graph, directed=False)
    order: dict[int, int] = {}
    return [order.setdefault(int(component[node]), len(order)) for node in nodes]
