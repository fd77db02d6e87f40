"""Extraction posts per second: transformers' token-classification pipeline and ours, one tagger.

Both hold the very same trained weights. The pipeline cannot match a dictionary's terms, so to it
every word is outside of them: it has less to do than ours, which matches them.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_outputs import TokenClassifierOutput

from benchmarks.hf_pipeline import BATCH_POSTS, NetworkModel, open_pipeline
from benchmarks.reach import judge
from benchmarks.rounds import measure_speed, spread_of, spread_of_ratio
from benchmarks.runs import finished_run
from benchmarks.section import BenchmarkError, Section
from smm4h_core.bundle import load_bundle
from smm4h_core.encoders.base import TokenBatch
from smm4h_core.encoders.precision import Precision, choose_device
from smm4h_core.extract.network import Tagger
from smm4h_core.extract.part import ExtractorPart
from smm4h_core.extract.rule import SpanVotes
from smm4h_core.extract.tags import OUTSIDE
from smm4h_core.members.data import read_run_posts
from smm4h_core.text.normalise import normalise
from smm4h_core.types import Post

RUN = "psytar_extract"
NUM_POSTS, NUM_WARM_UP, NUM_ROUNDS = 1500, 64, 3
THEIRS, OURS_FP32, OURS = "transformers.pipeline, fp32", "ours, fp32", "ours, as served"
LABELS = {0: "O", 1: "B-ADE", 2: "I-ADE"}

Answer = Callable[[Sequence[Post]], int]
"""Says how many mentions it found."""


class TokenClassifier(NetworkModel):  # type: ignore[no-untyped-call]
    """The tagger's encoder and head in the form that the pipeline asks for."""

    def __init__(self, tagger: Tagger) -> None:
        if tagger.word_features is not None:
            raise BenchmarkError("a tagger that reads words' own features fits no pipeline")
        super().__init__(tagger, id2label=LABELS)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> TokenClassifierOutput:
        """Logits ``(B, L, 3)`` of every word-piece."""
        del token_type_ids
        tagger: Any = self.network
        states = tagger.encoder(TokenBatch(input_ids, attention_mask.bool())).states
        if tagger.term_tags is not None:
            outside = tagger.term_tags.weight[OUTSIDE]
            states = torch.cat([states, outside.expand(*states.shape[:2], -1)], dim=2)
        return TokenClassifierOutput(logits=tagger.head(states))


def measure(
    num_posts: int = NUM_POSTS, num_warm_up: int = NUM_WARM_UP, num_rounds: int = NUM_ROUNDS
) -> Section:
    """Let each answer the same posts in turn.

    Raises:
        BenchmarkError: the run is missing.
        BundleError: its bundle is missing or wrong.
    """
    config, run = finished_run(RUN)
    (part,) = set(load_bundle(Path(run.root) / "bundle").extractors.values())
    posts = read_run_posts(config)
    drawn = random.Random(0).sample([p.post for p in (*posts.test, *posts.pool)], num_posts)
    contenders = build_contenders(part, choose_device())
    speeds = measure_speed(contenders, drawn, warm_up=drawn[:num_warm_up], num_rounds=num_rounds)
    ratios, cpu_ratios = (
        {
            name: spread_of_ratio(getattr(each, clock), getattr(speeds[THEIRS], clock))
            for name, each in speeds.items()
        }
        for clock in ("wall", "cpu")
    )
    return Section(
        title=f"Extraction speed: {num_posts} PsyTAR posts, {num_rounds} rounds in turn",
        headings=("who", "posts/s", "x pipeline", "posts / CPU s", "x pipeline"),
        rows=tuple(
            (
                name,
                str(spread_of(each.wall)),
                str(ratios[name]),
                str(spread_of(each.cpu)),
                str(cpu_ratios[name]),
            )
            for name, each in speeds.items()
        ),
        notes=(
            "Median (least to greatest) over rounds; one member, the very same network in each. "
            f"The pipeline takes batches of {BATCH_POSTS} in the order given, joins pieces to "
            "mentions (`simple`) and is told that no word is of a term; ours matches terms, cuts "
            "windows, decodes and gives each mention a probability. Normalising counts in all "
            "times. CPU seconds are the process's own: what else runs slows them little.",
        ),
        verdicts=(judge("extraction.speed", ratios[OURS].median),),
        data={
            "num_posts": num_posts,
            "posts_per_s": {name: asdict(each) for name, each in speeds.items()},
            "over_pipeline": {name: asdict(each) for name, each in ratios.items()},
            "over_pipeline_cpu": {name: asdict(each) for name, each in cpu_ratios.items()},
        },
    )


def build_contenders(part: ExtractorPart, device: torch.device) -> dict[str, Answer]:
    """The first member in the pipeline, ours in fp32, and ours as it is served."""
    text, lang = part.config.text, part.config.data.train[0].lang
    find = open_pipeline(
        "token-classification",
        TokenClassifier(part.networks[0][0]),
        part.tokeniser,
        max_length=part.max_length,
        device=device,
        aggregation_strategy="simple",
    )

    def theirs(posts: Sequence[Post]) -> int:
        texts = [normalise(p.text, lang=p.lang or lang, emoji=text.emoji).text for p in posts]
        return sum(map(len, find(texts, batch_size=BATCH_POSTS)))

    return {
        THEIRS: theirs,
        OURS_FP32: _ours(part, "fp32", device),
        OURS: _ours(part, part.config.training.precision, device),
    }


def _ours(part: ExtractorPart, precision: Precision, device: torch.device) -> Answer:
    training = part.config.training.model_copy(update={"precision": precision})
    lone = replace(
        part,
        config=part.config.model_copy(update={"training": training}),
        networks=((copy.deepcopy(part.networks[0][0]).to(device),),),
        rule=SpanVotes(1, 1),
    )

    def answer(posts: Sequence[Post]) -> int:
        return sum(map(len, lone.extract(posts, device=device)))

    return answer
