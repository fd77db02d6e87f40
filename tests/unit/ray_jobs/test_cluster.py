"""How many processes fit."""

from __future__ import annotations

import pytest

from ray_jobs.cluster import Node, count_places
from smm4h_core.errors import ResourceError


@pytest.mark.parametrize(
    ("nodes", "cpus", "gpus", "places"),
    [
        ([Node("a", 4, 0)], 1, 0, 4),
        ([Node("a", 16, 1)], 0.5, 0.33, 3),
        ([Node("a", 16, 2)], 1, 0.6, 2),  # what is left of two GPUs does not add up
        ([Node("a", 16, 4), Node("b", 1, 4)], 1, 2, 3),
    ],
)
def test_count_places_counts_cores_and_gpus(
    nodes: list[Node], cpus: float, gpus: float, places: int
) -> None:
    assert count_places(nodes, cpus=cpus, gpus=gpus) == places


def test_count_places_refuses_fewer_than_there_must_be() -> None:
    nodes = [Node("a", 16, 1)]
    with pytest.raises(
        ResourceError, match=r"each part asks for 1 CPU and 0\.5 GPU on one machine"
    ):
        count_places(nodes, cpus=1, gpus=0.5, who="each part", least=3)
    with pytest.raises(ResourceError, match=r"the cluster has a: 16 CPU, 1 GPU, room for 2 of 3$"):
        count_places(nodes, cpus=1, gpus=0.5, who="each part", least=3)
    with pytest.raises(ResourceError, match=r"the cluster has a: 16 CPU, 1 GPU$"):
        count_places(nodes, cpus=1, gpus=2)
