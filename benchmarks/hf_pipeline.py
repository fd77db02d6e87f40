"""A trained member inside `transformers.pipeline`, as that library's users predict."""

from __future__ import annotations

import copy
import logging as levels
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import AutoTokenizer, PreTrainedConfig, PreTrainedModel, pipeline
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils import logging

from smm4h_core.classify.network import Classifier
from smm4h_core.encoders._huggingface import HuggingFaceEncoder
from smm4h_core.encoders.base import TokenBatch, Tokeniser

BATCH_POSTS = 32
"""Texts in a batch, in the order given, as the pipeline cuts them."""


class NetworkModel(PreTrainedModel):  # type: ignore[no-untyped-call]
    """A copy of a network of ours as pipelines ask for one; its encoder pads as the library's."""

    config_class = PreTrainedConfig

    def __init__(self, network: nn.Module, **stated: Any) -> None:
        config = PreTrainedConfig()
        for name, value in stated.items():
            setattr(config, name, value)
        super().__init__(config)
        self.network = copy.deepcopy(network)
        for module in self.network.modules():
            if isinstance(module, HuggingFaceEncoder):
                module.packs = False


class SequenceClassifier(NetworkModel):  # type: ignore[no-untyped-call]
    """The member's very network, encoder and head, in the form that the pipeline asks for."""

    def __init__(self, network: Classifier) -> None:
        super().__init__(network, num_labels=1)  # one logit, so that the sigmoid is applied

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Logits ``(B, 1)`` of word-pieces ``(B, L)``; a lone text has one token type."""
        del token_type_ids
        logits = self.network(TokenBatch(input_ids, attention_mask.bool()))
        return SequenceClassifierOutput(logits=logits[:, None])


def build_pipeline(
    network: Classifier, tokeniser: Tokeniser, *, max_length: int, device: torch.device
) -> Callable[[Sequence[str]], NDArray[np.float64]]:
    """Return what answers probs ``(N,)`` of N texts, in fp32."""
    classify = open_pipeline(
        "text-classification",
        SequenceClassifier(network),
        tokeniser,
        max_length=max_length,
        device=device,
    )

    def answer(texts: Sequence[str]) -> NDArray[np.float64]:
        answers = classify(list(texts), batch_size=BATCH_POSTS, truncation=True)
        return np.array([each["score"] for each in answers])  # of one label: its sigmoid

    return answer


def open_pipeline(
    task: Literal["text-classification", "token-classification", "feature-extraction"],
    model: PreTrainedModel,
    tokeniser: Tokeniser,
    *,
    max_length: int,
    device: torch.device,
    **options: Any,
) -> Callable[..., Any]:
    """The library's pipeline of a task around a model and one of our tokenisers.

    Args:
        task: As the library names it.
        model: Any in the form that the task's pipeline asks for.
        tokeniser: A Hugging Face one.
        max_length: Word-pieces of a text, beyond which it is truncated.
        device: Where to compute.
        **options: The task's own.
    """
    with tempfile.TemporaryDirectory() as folder:
        tokeniser.save(Path(folder))
        tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.model_max_length = max_length
    verbosity = logging.get_verbosity()
    # The pipeline takes any model, but complains of classes that its library does not list.
    logging.set_verbosity(levels.CRITICAL)
    try:
        opened: Callable[..., Any] = pipeline(
            task, model=model, tokenizer=tokenizer, device=device, **options
        )
    finally:
        logging.set_verbosity(verbosity)
    return opened
