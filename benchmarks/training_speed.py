"""Training examples per second: `Trainer` and our loop on the same network and posts."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Literal

import torch

from benchmarks.hf_trainer import BATCH_POSTS, train_with_trainer
from benchmarks.reach import judge
from benchmarks.rounds import measure_in_turn, spread_of, spread_of_ratio
from benchmarks.runs import config_path
from benchmarks.section import Section
from smm4h_core.classify.network import classification_loss
from smm4h_core.config import RunConfig, read_config
from smm4h_core.encoders.base import Tokeniser
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.encoders.precision import choose_device, choose_dtype
from smm4h_core.members.classification import Classification, EncodedPosts, build_classification
from smm4h_core.members.data import read_run_posts
from smm4h_core.training.fit import fit
from smm4h_core.training.optimisation import build_optimiser, build_schedule, rate_groups

RUN = "psytar_text"
SEED = 0
NUM_POSTS = 512
NUM_WARM_UP = 64
NUM_ROUNDS = 3
PADDED, DYNAMIC, CONFIGURED = "Trainer, padded", "Trainer, dynamic padding", "ours, as configured"


def measure(
    num_posts: int = NUM_POSTS, num_warm_up: int = NUM_WARM_UP, num_rounds: int = NUM_ROUNDS
) -> Section:
    """Train on the same posts with each loop in turn, from the same weights.

    Raises:
        BenchmarkError: `Trainer` needs a package that is not installed.
        DataError: the corpus is missing or does not fit.
    """
    config = read_config(config_path(RUN))
    device = choose_device()
    torch.manual_seed(SEED)
    setup = build_classification(
        config, read_run_posts(config), seed=SEED, fold=0, device=device, dtype=torch.float32
    )
    contenders = build_contenders(config, setup)
    order = random.Random(SEED).sample(range(len(setup.train.posts)), num_posts + num_warm_up)
    rates = measure_in_turn(
        contenders,
        _take(setup.train, order[num_warm_up:]),
        warm_up=_take(setup.train, order[:num_warm_up]),
        num_rounds=num_rounds,
    )

    spreads = {name: spread_of(each) for name, each in rates.items()}
    over_padded = {name: spread_of_ratio(each, rates[PADDED]) for name, each in rates.items()}
    over_dynamic = {name: spread_of_ratio(each, rates[DYNAMIC]) for name, each in rates.items()}
    return Section(
        title=f"Training speed: {num_posts} PsyTAR posts, {num_rounds} rounds in turn",
        headings=("loop", "posts/s", "x Trainer padded", "x Trainer dynamic"),
        rows=tuple(
            (name, str(spreads[name]), str(over_padded[name]), str(over_dynamic[name]))
            for name in rates
        ),
        notes=(
            f"Median (least to greatest) over rounds. All start from the same weights of "
            f"{config.encoder.uri} with the same head, optimiser and schedule, on posts tokenised "
            f"beforehand; `Trainer` takes batches of {BATCH_POSTS} posts, in fp32, padded to "
            f"{config.encoder.max_length} word-pieces or to the longest of a batch; ours "
            f"takes batches of {config.training.batch_tokens} word-pieces, posts of like length "
            "together. Each of our lines adds one thing to the line above it.",
        ),
        verdicts=(
            judge("training.padded", over_padded[CONFIGURED].median),
            judge("training.dynamic", over_dynamic[CONFIGURED].median),
        ),
        data={
            "num_posts": num_posts,
            "posts_per_s": {name: list(each) for name, each in rates.items()},
            "over_padded": {name: asdict(each) for name, each in over_padded.items()},
            "over_dynamic": {name: asdict(each) for name, each in over_dynamic.items()},
        },
    )


def build_contenders(
    config: RunConfig, setup: Classification
) -> dict[str, Callable[[EncodedPosts], float]]:
    """Loops by name, from the plainest to ours; each answers posts per second."""
    tokeniser = load_text_encoder(config.encoder.uri).tokeniser
    configured = choose_dtype(config.training.precision, setup.device)
    freeze = config.encoder.freeze_embeddings
    fp32, all_trained = torch.float32, False
    return {
        PADDED: partial(_trainer_rate, config, setup, tokeniser, "max_length"),
        DYNAMIC: partial(_trainer_rate, config, setup, tokeniser, "longest"),
        "ours, fp32, table trained": partial(our_rate, config, setup, fp32, all_trained),
        "ours, bf16 if native, table trained": partial(
            our_rate, config, setup, configured, all_trained
        ),
        CONFIGURED: partial(our_rate, config, setup, configured, freeze),
    }


def our_rate(
    config: RunConfig,
    setup: Classification,
    dtype: torch.dtype,
    freeze: bool,
    encoded: EncodedPosts,
) -> float:
    """Train a copy of the network for an epoch, as `train_member` does; posts per second."""
    training = config.training
    network = copy.deepcopy(setup.network)
    network.encoder.input_embeddings().weight.requires_grad_(not freeze)
    ours = replace(setup, network=network, train=encoded, dtype=dtype)
    torch.manual_seed(setup.seed)
    optimiser = build_optimiser(
        rate_groups(
            network,
            network.pretrained_parts(),
            learning_rate=training.learning_rate,
            head_rate_factor=training.head_rate_factor,
            layer_rate_decay=training.layer_rate_decay,
        ),
        optimiser=training.optimiser,
        weight_decay=training.weight_decay,
    )
    result = fit(
        network,
        draw_batches=ours.draw_batches,
        loss_of=classification_loss,
        evaluate=lambda _: 0.0,
        optimiser=optimiser,
        schedule=build_schedule(
            optimiser,
            schedule=training.schedule,
            warmup_fraction=training.warmup_fraction,
            num_steps=len(ours.plan(0)),
        ),
        epochs=1,
        device=setup.device,
        clip_norm=training.clip_norm,
        dtype=dtype,
    )
    (epoch,) = result.history
    return epoch.num_posts / epoch.train_s


def _trainer_rate(
    config: RunConfig,
    setup: Classification,
    tokeniser: Tokeniser,
    padding: Literal["max_length", "longest"],
    encoded: EncodedPosts,
) -> float:
    network = copy.deepcopy(setup.network).requires_grad_(True)
    return train_with_trainer(
        network,
        encoded,
        tokeniser=tokeniser,
        padding=padding,
        max_length=config.encoder.max_length,
        training=config.training,
        epochs=1,
        seed=setup.seed,
        device=setup.device,
    )


def _take(encoded: EncodedPosts, indices: Sequence[int]) -> EncodedPosts:
    return EncodedPosts(
        posts=tuple(encoded.posts[i] for i in indices),
        encodings=[encoded.encodings[i] for i in indices],
        labels=encoded.labels[list(indices)],
    )
