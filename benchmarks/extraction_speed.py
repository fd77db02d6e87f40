"""Extraction posts per second: transformers' token-classification pipeline and ours, one tagger.

Both hold the very same weights. The pipeline cannot read a dictionary, so the tagger reads none.
``python -m benchmarks.extraction_speed --posts 300`` measures; the tagger is built on the spot,
since untrained weights cost the same once the tagger is told that mentions are rare.
"""

from __future__ import annotations

import copy
import logging as levels
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedConfig, PreTrainedModel, pipeline
from transformers.modeling_outputs import TokenClassifierOutput
from transformers.utils import logging

from benchmarks.command import run_command
from benchmarks.hf_pipeline import BATCH_POSTS
from benchmarks.machine import chosen_device
from benchmarks.rounds import measure_in_turn, spread_of, spread_of_ratio
from benchmarks.section import Section, print_section
from smm4h_core.config import RunConfig, read_config
from smm4h_core.encoders.base import LoadedEncoder, TokenBatch
from smm4h_core.encoders.load import check_length, load_text_encoder
from smm4h_core.extract.build import build_tagger
from smm4h_core.extract.network import Tagger
from smm4h_core.extract.part import ExtractorPart
from smm4h_core.extract.rule import SpanVotes
from smm4h_core.extract.tags import OUTSIDE
from smm4h_core.members.data import read_run_posts
from smm4h_core.text.normalise import normalise
from smm4h_core.types import Post

CONFIG = Path("tune_configs/embedded/psytar_extract.yaml")
NUM_POSTS, NUM_WARM_UP, NUM_ROUNDS = 1500, 64, 3
THEIRS, OURS = "transformers.pipeline, fp32", "ours, as served"
OUTSIDE_BIAS = 1.5
"""Added to the untrained tagger's bias of ``O``, or every other word would be a mention."""
LABELS = {0: "O", 1: "B-ADE", 2: "I-ADE"}

Answer = Callable[[Sequence[Post]], int]
"""Says how many mentions it found."""


class TokenClassifier(PreTrainedModel):  # type: ignore[no-untyped-call]
    """The tagger's encoder and head in the form that the pipeline asks for."""

    config_class = PreTrainedConfig

    def __init__(self, tagger: Tagger) -> None:
        config = PreTrainedConfig()
        config.id2label = LABELS
        super().__init__(config)
        self.tagger = tagger

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> TokenClassifierOutput:
        """Logits ``(B, L, 3)`` of every word-piece."""
        del token_type_ids
        states = self.tagger.encoder(TokenBatch(input_ids, attention_mask.bool())).states
        return TokenClassifierOutput(logits=self.tagger.head(states))


def measure(
    num_posts: int = NUM_POSTS, num_warm_up: int = NUM_WARM_UP, num_rounds: int = NUM_ROUNDS
) -> Section:
    """Let both answer the same posts in turn."""
    config = read_config(CONFIG, ["extraction.terms=[]"])
    posts = read_run_posts(config)
    drawn = random.Random(0).sample([p.post for p in (*posts.test, *posts.pool)], num_posts)
    contenders = build_contenders(config, chosen_device())
    rates = measure_in_turn(
        {name: _rate_of(answer) for name, answer in contenders.items()},
        drawn,
        warm_up=drawn[:num_warm_up],
        num_rounds=num_rounds,
    )
    ratios = {name: spread_of_ratio(each, rates[THEIRS]) for name, each in rates.items()}
    return Section(
        title=f"Extraction speed: {num_posts} PsyTAR posts, {num_rounds} rounds in turn",
        headings=("who", "posts/s", "x pipeline"),
        rows=tuple((name, str(spread_of(each)), str(ratios[name])) for name, each in rates.items()),
        notes=(
            "Median (least to greatest) over rounds; one untrained tagger, the very same weights "
            f"in each. The pipeline takes batches of {BATCH_POSTS} in the order given and joins "
            "pieces to mentions (`simple`); ours normalises, cuts windows, decodes and gives each "
            "mention a probability. Normalising counts in both times.",
        ),
        data={
            "num_posts": num_posts,
            "posts_per_s": {name: list(each) for name, each in rates.items()},
            "over_pipeline": {name: asdict(each) for name, each in ratios.items()},
        },
    )


def build_contenders(config: RunConfig, device: torch.device) -> dict[str, Answer]:
    """The pipeline and ours, around one tagger drawn from seed 0."""
    torch.manual_seed(0)
    loaded = load_text_encoder(config.encoder.uri)
    tagger = build_tagger(config, loaded.encoder).eval()
    with torch.no_grad():  # as trained ones do, it finds a mention here and there
        tagger.head.bias[OUTSIDE] += OUTSIDE_BIAS
    return {
        THEIRS: _theirs(config, copy.deepcopy(tagger), loaded, device),
        OURS: _ours(config, tagger, loaded, device),
    }


def _theirs(
    config: RunConfig, tagger: Tagger, loaded: LoadedEncoder, device: torch.device
) -> Answer:
    with tempfile.TemporaryDirectory() as folder:
        loaded.tokeniser.save(Path(folder))
        tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.model_max_length = config.encoder.max_length
    verbosity = logging.get_verbosity()
    # The pipeline takes any model, but complains of classes that its library does not list.
    logging.set_verbosity(levels.CRITICAL)
    try:
        find = pipeline(
            "token-classification",
            model=TokenClassifier(tagger),
            tokenizer=tokenizer,
            aggregation_strategy="simple",
            device=device,
        )
    finally:
        logging.set_verbosity(verbosity)
    lang, emoji = config.data.train[0].lang, config.text.emoji

    def answer(posts: Sequence[Post]) -> int:
        texts = [normalise(post.text, lang=lang, emoji=emoji).text for post in posts]
        return sum(map(len, find(texts, batch_size=BATCH_POSTS)))

    return answer


def _ours(config: RunConfig, tagger: Tagger, loaded: LoadedEncoder, device: torch.device) -> Answer:
    part = ExtractorPart(
        config=config,
        rule=SpanVotes(1, 1),
        tokeniser=loaded.tokeniser,
        networks=((tagger.to(device),),),
        max_length=check_length(config.encoder.max_length, loaded),
        terms=None,
    )

    def answer(posts: Sequence[Post]) -> int:
        return sum(map(len, part.extract(posts, device=device)))

    return answer


def _rate_of(answer: Answer) -> Callable[[Sequence[Post]], float]:
    def rate(posts: Sequence[Post]) -> float:
        started = time.perf_counter()
        answer(posts)
        return len(posts) / (time.perf_counter() - started)

    return rate


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def extraction_speed(
    posts: Annotated[int, typer.Option(help="Posts to answer in each round.")] = NUM_POSTS,
    rounds: Annotated[int, typer.Option(help="Rounds, each contender once in each.")] = NUM_ROUNDS,
) -> None:
    """Print the table."""
    print_section(measure(posts, min(posts, NUM_WARM_UP), rounds))


if __name__ == "__main__":
    run_command(app)
