"""What a member trains with, whatever its task: the seam between the loop and the tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from smm4h_core.classify.network import Classifier
from smm4h_core.config import MemberPart, RunConfig, Task
from smm4h_core.extract.network import Tagger
from smm4h_core.link.classifier import ConceptClassifier
from smm4h_core.link.similarity import SimilarityEncoder
from smm4h_core.members.classification import build_classification
from smm4h_core.members.data import RunPosts
from smm4h_core.members.extraction import build_extraction
from smm4h_core.members.linking import build_concept_member, build_similarity_member
from smm4h_core.storage import Storage

MemberNetwork = Classifier | Tagger | SimilarityEncoder | ConceptClassifier


class MemberSetup(Protocol):
    """A network with its posts; `smm4h_core.training.fit.fit` takes its methods as callbacks."""

    @property
    def network(self) -> MemberNetwork:
        """Seeded, on its device."""
        ...

    def num_steps(self, epoch: int) -> int:
        """How many batches `draw_batches` gives, or about how many, where that is not known."""
        ...

    def draw_batches(self, epoch: int) -> Iterable[Any]:
        """The epoch's batches, which depend on nothing but the epoch."""
        ...

    def loss(self, network: nn.Module, batch: Any) -> Tensor:
        """Scalar loss of a batch."""
        ...

    def choosing_f1(self) -> float:
        """F1 on what the epoch is chosen on: of posts at 0.5, of exact spans, of links."""
        ...

    def finish(self) -> None:
        """What a task does to the kept epoch's weights, before it answers with them."""
        ...

    def write_predictions(self, storage: Storage) -> None:
        """Store its answers, from which rules are fitted, and what else its bundle needs."""
        ...

    def facts(self) -> dict[str, Any]:
        """What the member's record says of its posts, ``num_truncated`` among it."""
        ...


Build = Callable[..., MemberSetup]

BUILDERS: Mapping[tuple[Task, MemberPart], Build] = MappingProxyType(
    {
        ("1a", ""): build_classification,
        ("1b", ""): build_extraction,
        ("1c", "similarity"): build_similarity_member,
        ("1c", "classifier"): build_concept_member,
        ("2", ""): build_classification,
    }
)


def build_setup(
    config: RunConfig,
    posts: RunPosts,
    *,
    seed: int,
    fold: int,
    part: MemberPart = "",
    device: torch.device,
    dtype: torch.dtype,
) -> MemberSetup:
    """What a member of the run's task trains with; seed torch before.

    Raises:
        DataError: posts that lack what the task reads.
        EncoderError: an encoder that cannot be loaded, or is shorter than ``max_length``.
    """
    build = BUILDERS[config.task, part]
    return build(config, posts, seed=seed, fold=fold, device=device, dtype=dtype)
