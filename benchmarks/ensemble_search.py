"""How long a search over ensembles takes: 33 ways to join 10 members' 20,000 stored answers."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.reach import judge
from benchmarks.rounds import Spread, spread_of
from benchmarks.section import Section
from smm4h_core.classify.probability import Prob
from smm4h_core.members.ensemble import Gathered
from smm4h_core.search.config import EnsembleSearchConfig
from smm4h_core.search.ensembles import list_candidates, score_candidates

NUM_POSTS, NUM_MEMBERS, NUM_FOLDS = 20_000, 10, 5
NUM_ROUNDS = 5
SHARE_POSITIVE = 0.1
POSTS_PER_GROUP = 3
NOTES = (
    "Answers are drawn, a tenth of the posts is positive, groups hold three posts. Each of the "
    f"ensembles is fitted {NUM_FOLDS + 1} times, subset, weights and threshold anew: on all posts, "
    "and for each fold on the others. The processor's own seconds say what one core needs where "
    "others work beside it.",
)


def measure() -> Section:
    """Time the search as a whole; median and ends over rounds."""
    config = EnsembleSearchConfig(kind="ensemble", name="benchmark", runs=("drawn",))
    candidates = list_candidates(config, NUM_MEMBERS)
    posts = draw_answers(NUM_POSTS, NUM_MEMBERS)
    wall_s, processor_s = [], []
    for _ in range(NUM_ROUNDS):
        started, started_processor = time.perf_counter(), time.process_time()
        score_candidates(posts, candidates, tie="positive", num_folds=NUM_FOLDS, seed=0)
        wall_s.append(time.perf_counter() - started)
        processor_s.append(time.process_time() - started_processor)
    wall, processor = spread_of(wall_s), spread_of(processor_s)
    return Section(
        title="Search over ensembles of stored predictions",
        headings=("ensembles × members × posts", "seconds", "processor's seconds"),
        rows=((f"{len(candidates)} × {NUM_MEMBERS} × {NUM_POSTS:,}", str(wall), str(processor)),),
        notes=NOTES,
        verdicts=(judge("search.ensembles", wall.median),),
        data={
            "ensembles": len(candidates),
            "members": NUM_MEMBERS,
            "posts": NUM_POSTS,
            "wall_s": _numbers(wall),
            "processor_s": _numbers(processor),
        },
    )


def draw_answers(num_posts: int, num_members: int, seed: int = 0) -> Gathered:
    """Members of one skill that share half of their errors."""
    draws = np.random.default_rng(seed)
    gold = draws.random(num_posts) < SHARE_POSITIVE
    shared = draws.normal(size=(num_posts, 1)) + (gold * 2.5 - 2.0)[:, None]
    logits = shared + 0.7 * draws.normal(size=(num_posts, num_members))
    return Gathered(
        split="dev",
        post_ids=tuple(f"p{post}" for post in range(num_posts)),
        groups=tuple(f"g{post // POSTS_PER_GROUP}" for post in range(num_posts)),
        gold=gold,
        probs=Prob(1 / (1 + np.exp(-logits))),
    )


def _numbers(spread: Spread) -> dict[str, float]:
    return {"median": spread.median, "low": spread.low, "high": spread.high}
