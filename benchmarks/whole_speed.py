"""Posts per second of a whole bundle: its networks one after another in transformers, and ours.

The very same weights on both sides. The other side is told which posts pass the gate and which
mentions stand in them, and searches our index: it is spared voting, decoding, drugs and contexts.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, SequenceClassifierOutput

from benchmarks.end_to_end import load_joined, posts_of
from benchmarks.extraction_speed import TokenClassifier
from benchmarks.hf_pipeline import (
    BATCH_POSTS,
    NetworkModel,
    SequenceClassifier,
    open_pipeline,
)
from benchmarks.reach import judge
from benchmarks.rounds import measure_speed, spread_of, spread_of_ratio
from benchmarks.section import Section
from smm4h_core.bundle import Bundle
from smm4h_core.encoders.base import TokenBatch
from smm4h_core.encoders.precision import choose_device
from smm4h_core.link.candidates import read_mention
from smm4h_core.pipeline import Pipeline
from smm4h_core.text.normalise import normalise
from smm4h_core.types import Lang, Post, Report

RUNS = ("psytar_text", "psytar_extract", "psytar_link")
LANG: Lang = "en"
NUM_POSTS, NUM_WARM_UP, NUM_ROUNDS = 150, 16, 7
THEIRS = f"transformers' pipelines, batches of {BATCH_POSTS}"
THEIRS_ALONE = "transformers' pipelines, a text at a time"
OURS_FP32, OURS = "ours, fp32", "ours, as served"

Answer = Callable[[Sequence[Post]], object]


class Vectors(NetworkModel):  # type: ignore[no-untyped-call]
    """A similarity encoder in the form that feature extraction asks for."""

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> BaseModelOutput:
        """Vectors ``(B, 1, H)``."""
        del token_type_ids
        vectors = self.network(TokenBatch(input_ids, attention_mask.bool()))
        return BaseModelOutput(last_hidden_state=vectors[:, None])


class Concepts(NetworkModel):  # type: ignore[no-untyped-call]
    """A concept classifier in the form that text classification asks for."""

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Logits ``(B, C)``."""
        del token_type_ids
        return SequenceClassifierOutput(
            logits=self.network(TokenBatch(input_ids, attention_mask.bool()))
        )


def measure(
    num_posts: int = NUM_POSTS, num_warm_up: int = NUM_WARM_UP, num_rounds: int = NUM_ROUNDS
) -> Section:
    """Let each answer the same posts in turn.

    Raises:
        BenchmarkError: a run is missing.
    """
    device = choose_device()
    bundle = load_joined(RUNS)
    drawn = random.Random(0).sample([each.post for each in posts_of(RUNS[0])], num_posts)
    contenders = build_contenders(bundle, drawn, device)
    speeds = measure_speed(contenders, drawn, warm_up=drawn[:num_warm_up], num_rounds=num_rounds)
    ratios = {
        name: spread_of_ratio(each.wall, speeds[THEIRS].wall) for name, each in speeds.items()
    }
    counts = [
        len({id(n) for part in parts.values() for seed in part.networks for n in seed})
        for parts in (bundle.classifiers, bundle.extractors, bundle.linkers)
    ]
    return Section(
        title=f"The whole pipeline: {num_posts} PsyTAR posts, {num_rounds} rounds in turn",
        headings=("who", "posts/s", "x pipelines in batches"),
        rows=tuple(
            (name, str(spread_of(each.wall)), str(ratios[name])) for name, each in speeds.items()
        ),
        notes=(
            f"Median (least to greatest) over rounds; networks that classify, mark and link: "
            f"{', '.join(map(str, counts))}, the same in each. Pipelines are called one after "
            "another, in fp32, on texts in the order given, those posts and mentions that ours "
            "says are theirs to read; ours is all of `Pipeline.process`.",
        ),
        verdicts=(judge("whole.speed", ratios[OURS].median),),
        data={
            "num_posts": num_posts,
            "networks": counts,
            "posts_per_s": {name: asdict(each) for name, each in speeds.items()},
            "over_pipelines": {name: asdict(each) for name, each in ratios.items()},
        },
    )


def build_contenders(
    bundle: Bundle, posts: Sequence[Post], device: torch.device
) -> dict[str, Answer]:
    """The pipelines, ours in fp32 and ours as served; ``posts`` are all that will be asked."""
    reports: dict[str, Report] = {}
    pipelines = {
        name: _build_pipelines(bundle, reports, device, batch_size=batch_size)
        for name, batch_size in ((THEIRS, BATCH_POSTS), (THEIRS_ALONE, 1))
    }
    exact = Pipeline(_in_fp32(bundle), device=device)
    served = Pipeline(bundle, device=device)  # which rounds the weights that it is given
    reports |= {each.post_id: each for each in served.process(posts)}
    return {
        **pipelines,
        OURS_FP32: exact.process,
        OURS: served.process,
    }


def _build_pipelines(
    bundle: Bundle, reports: dict[str, Report], device: torch.device, *, batch_size: int
) -> Callable[[Sequence[Post]], int]:
    """What answers how many texts the pipelines answered, each network's counted."""
    classifier, extractor = bundle.classifiers[LANG], bundle.extractors[LANG]
    linker = bundle.linkers[LANG].linker

    def opened(part: Any, task: Any, model: PreTrainedModel, **options: Any) -> Callable[..., Any]:
        return open_pipeline(
            task,
            model,
            part.tokeniser,
            max_length=part.max_length,
            device=device,
            **options,
        )

    decide = [
        opened(classifier, "text-classification", SequenceClassifier(network))
        for seed in classifier.networks
        for network in seed
    ]
    mark = [
        opened(
            *(extractor, "token-classification", TokenClassifier(network)),
            aggregation_strategy="simple",
        )
        for seed in extractor.networks
        for network in seed
    ]
    near = [
        (opened(linker, "feature-extraction", Vectors(each.network)), each.index)
        for each in linker.similarity
    ]
    sure = [
        opened(
            linker,
            "text-classification",
            Concepts(network, num_labels=network.head.out_features),
        )
        for network in (linker.classifier.networks if linker.classifier else ())
    ]
    emoji = classifier.config.text.emoji

    def answer(posts: Sequence[Post]) -> int:
        texts = [normalise(post.text, lang=post.lang or LANG, emoji=emoji).text for post in posts]
        said = [reports[post.post_id] for post in posts]
        kept = [
            text
            for text, each in zip(texts, said, strict=True)
            if each.ade is None or each.ade.is_ade
        ]
        mentions = [
            read_mention(found.mention.text) for each in said for found in each.mentions or ()
        ]
        num_answers = sum(len(each(texts, batch_size=batch_size)) for each in decide)
        if kept:
            num_answers += sum(len(each(kept, batch_size=batch_size)) for each in mark)
        if mentions:
            for encode, index in near:
                vectors = encode(mentions, batch_size=batch_size)
                found = index.link(np.array(vectors, np.float32).reshape(len(mentions), -1))
                num_answers += len(found)
            num_answers += sum(len(each(mentions, batch_size=batch_size)) for each in sure)
        return num_answers

    return answer


def _in_fp32(bundle: Bundle) -> Bundle:
    """The same bundle with networks of its own, their matrix products in fp32."""

    def exact(part: Any) -> Any:
        training = part.config.training.model_copy(update={"precision": "fp32"})
        return replace(
            part,
            config=part.config.model_copy(update={"training": training}),
            networks=copy.deepcopy(part.networks),
        )

    linkers = {}
    for lang, part in bundle.linkers.items():
        sure = part.linker.classifier
        linker = replace(
            part.linker,
            precision="fp32",
            similarity=tuple(
                replace(each, network=copy.deepcopy(each.network))
                for each in part.linker.similarity
            ),
            classifier=replace(sure, precision="fp32", networks=copy.deepcopy(sure.networks))
            if sure
            else None,
        )
        linkers[lang] = replace(part, linker=linker)
    return replace(
        bundle,
        classifiers={lang: exact(part) for lang, part in bundle.classifiers.items()},
        extractors={lang: exact(part) for lang, part in bundle.extractors.items()},
        linkers=linkers,
    )
