"""Russian posts for training alone, ``sample:ru/effects``: many complaints in plain sentences.

The sample proper has few wordings in many frames, and keeps some from training. These posts are
the other way round: what a tagger that has met no Russian corpus needs is to have met the words.
Synthetic, by a seeded generator; no split of the sample holds any of them.
"""

from __future__ import annotations

import re
from functools import cache
from random import Random

from smm4h_core.corpora.sample.draws import draw_below, pick
from smm4h_core.corpora.sample.noise import Piece, add_noise, assemble
from smm4h_core.corpora.sample.phrases import (
    DRUG_CASES,
    NOUN_CASES,
    Mood,
    in_gender,
    read_phrases,
    read_yaml,
)
from smm4h_core.types import AnnotatedPost, Post

NUM_POSTS = 1600
"""Half of them report an ADE."""

_SLOT = re.compile(r"(\{\w+(?:\.\w+)?\})")


@cache
def effect_posts() -> tuple[AnnotatedPost, ...]:
    """The posts, the same on every platform; ADE mentions carry no concept."""
    phrases, table = read_phrases("ru"), read_yaml("ru/effects.yaml")
    drugs = [drug for group in phrases.groups for drug in group.drugs]
    rng = Random("smm4h synthetic effects ru 0")
    posts = []
    for number in range(1, NUM_POSTS + 1):
        is_ade = number % 2 == 1
        frames = table["frames"]["ade" if is_ade else "other"]
        place = draw_below(rng, len(frames))
        gender, drug = draw_below(rng, 2), pick(rng, drugs)
        pieces = []
        for part in filter(None, _SLOT.split(frames[place])):
            name, _, case = part.strip("{}").partition(".")
            if not part.startswith("{"):
                pieces.append(Piece(in_gender(part, gender)))
            elif name == "drug":
                pieces.append(Piece(drug[DRUG_CASES.index(case)], "DRUG"))
            else:
                said = pick(rng, table[f"{name}s"])
                said = said.split("/")[NOUN_CASES.index(case)] if case else said
                pieces.append(Piece(in_gender(said, gender), "ADE" if is_ade else None))
        mood: Mood = "bad" if is_ade else "plain"
        text, mentions = assemble(add_noise(tuple(pieces), phrases.slang, rng, mood=mood))
        post = Post(f"synthetic-ru-effects-{number:04d}", text, "ru")
        kind = "ade" if is_ade else "other"
        posts.append(AnnotatedPost(post, is_ade, mentions, group=f"ru-effects-{kind}-{place:02d}"))
    return tuple(posts)
