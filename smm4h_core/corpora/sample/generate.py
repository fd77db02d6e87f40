"""The embedded sample: synthetic English and Russian posts with labels, spans and concepts.

Nobody wrote these posts: a seeded generator fills hand-written sentence frames. A number measured
on them must be called synthetic wherever it is shown. Concepts are those of the Human Phenotype
Ontology (hpo.jax.org). Frames are dealt to the splits first and posts are made from them after,
so no frame stands in two splits, and the train split never sees the held-out wordings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from typing import Literal, get_args

from smm4h_core.corpora.sample.draws import draw_below, pick, shuffled
from smm4h_core.corpora.sample.noise import Piece, Pieces, add_noise, assemble, draw_link
from smm4h_core.corpora.sample.phrases import (
    ALSO_FITS,
    DRUG_CASES,
    DrugGroup,
    Frame,
    Phrases,
    Slot,
    Wording,
    in_gender,
    read_phrases,
)
from smm4h_core.errors import DataError
from smm4h_core.types import AnnotatedPost, Lang, Post

Split = Literal["train", "dev", "test"]

DEFAULT_NUM_POSTS = 600
POSITIVE_PERCENT = 35
"""Share of posts that report an ADE; far above Twitter's 9 %, so that a small model learns."""

# In fifteenths: 600 posts make 400, 80 and 120.
_SPLIT_SHARES: dict[Split, int] = {"train": 10, "dev": 2, "test": 3}
_MAX_TRIES = 200
_ANNOTATED_PART = re.compile(r"^(.*?)<(.+)>(.*)$")


@dataclass(frozen=True, slots=True)
class _Draft:
    split: Split
    frame: Frame
    pieces: Pieces


def generate_sample(
    lang: Lang, *, seed: int = 0, num_posts: int = DEFAULT_NUM_POSTS
) -> tuple[AnnotatedPost, ...]:
    """Generate the synthetic sample of one language.

    The same arguments give the same posts on every platform and Python version.

    Args:
        lang: Language of the posts.
        seed: Seed of every draw.
        num_posts: How many posts, over all splits together; at least 15.

    Returns:
        Posts in random order, no two with the same text. Each post's group is its sentence frame,
        such as ``en-negation-03``; DRUG mentions carry no concept, ADE mentions always do.

    Raises:
        DataError: If ``num_posts`` is below 15 or the phrases cannot make so many distinct posts.
    """
    return tuple(post for _, post in _generate(lang, seed, num_posts))


def sample_split(lang: Lang, split: Split, *, seed: int = 0) -> tuple[AnnotatedPost, ...]:
    """Return one split of the sample of 600 posts: 400 train, 80 dev or 120 test posts.

    Args:
        lang: Language of the posts.
        split: ``train``, ``dev`` or ``test``.
        seed: Seed of the sample.

    Raises:
        DataError: If there is no such split.
    """
    if split not in _SPLIT_SHARES:
        raise DataError(f"expected a split among {', '.join(_SPLIT_SHARES)}, got {split!r}")
    return tuple(post for own, post in _generate(lang, seed, DEFAULT_NUM_POSTS) if own == split)


def _generate(lang: Lang, seed: int, num_posts: int) -> list[tuple[Split, AnnotatedPost]]:
    if lang not in get_args(Lang):
        raise DataError(f"expected a language among {', '.join(get_args(Lang))}, got {lang!r}")
    if num_posts < sum(_SPLIT_SHARES.values()):
        raise DataError(f"expected num_posts of at least 15, got {num_posts}")
    phrases = read_phrases(lang)
    rng = Random(f"smm4h synthetic sample {lang} {seed}")
    dealt = _deal_frames(phrases.frames, rng)
    drafts: list[_Draft] = []
    texts: set[str] = set()
    for split, size in _split_sizes(num_posts).items():
        for frame in _schedule(dealt[split], size, rng):
            drafts.append(_draft_new(frame, split, phrases, rng, texts))
    return [
        (draft.split, _finish(draft, lang, number))
        for number, draft in enumerate(shuffled(rng, drafts), start=1)
    ]


def _split_sizes(num_posts: int) -> dict[Split, int]:
    total = sum(_SPLIT_SHARES.values())
    sizes = {split: num_posts * share // total for split, share in _SPLIT_SHARES.items()}
    sizes["test"] += num_posts - sum(sizes.values())
    return sizes


def _deal_frames(frames: Sequence[Frame], rng: Random) -> dict[Split, list[Frame]]:
    """Deal each kind's frames to the splits, at least one to each."""
    dealt: dict[Split, list[Frame]] = {split: [] for split in _SPLIT_SHARES}
    for kind in dict.fromkeys(frame.kind for frame in frames):
        own = shuffled(rng, [frame for frame in frames if frame.kind == kind])
        num_dev = max(1, len(own) * 2 // 15)
        num_test = max(1, len(own) * 3 // 15)
        dealt["dev"] += own[:num_dev]
        dealt["test"] += own[num_dev : num_dev + num_test]
        dealt["train"] += own[num_dev + num_test :]
    return dealt


def _schedule(frames: Sequence[Frame], size: int, rng: Random) -> list[Frame]:
    """Use the frames of each label in turn, until ``size`` posts have a frame."""
    positive = shuffled(rng, [frame for frame in frames if frame.is_positive])
    negative = shuffled(rng, [frame for frame in frames if not frame.is_positive])
    num_positive = size * POSITIVE_PERCENT // 100
    return [
        *islice(cycle(positive), num_positive),
        *islice(cycle(negative), size - num_positive),
    ]


def _draft_new(
    frame: Frame, split: Split, phrases: Phrases, rng: Random, texts: set[str]
) -> _Draft:
    for _ in range(_MAX_TRIES):
        clean = _fill(frame, split, phrases, rng)
        pieces = add_noise(clean, phrases.slang, rng, mood=frame.mood)
        text, _ = assemble(pieces)
        if text not in texts:
            texts.add(text)
            return _Draft(split, frame, pieces)
    raise DataError(
        f"expected {frame.frame_id} to make one more distinct post, got only repeats in "
        f"{_MAX_TRIES} tries: ask for fewer posts"
    )


def _finish(draft: _Draft, lang: Lang, number: int) -> AnnotatedPost:
    text, mentions = assemble(draft.pieces)
    post = Post(post_id=f"synthetic-{lang}-{number:04d}", text=text, lang=lang)
    return AnnotatedPost(post, draft.frame.is_positive, mentions, group=draft.frame.frame_id)


def _fill(frame: Frame, split: Split, phrases: Phrases, rng: Random) -> Pieces:
    gender = draw_below(rng, 2)
    group, drug, other = _draw_drugs(frame, phrases, rng)
    told: set[str] = set()
    pieces: list[Piece] = []
    for part in frame.parts:
        if isinstance(part, str):
            pieces.append(Piece(in_gender(part, gender)))
        elif part.name == "url":
            pieces.append(Piece(draw_link(rng)))
        elif part.name in ("drug", "other"):
            forms = drug if part.name == "drug" else other
            pieces.append(Piece(forms[DRUG_CASES.index(part.case) if part.case else 0], "DRUG"))
        else:
            wording = pick(rng, _fitting(part, group, phrases.wordings, split, told))
            told.add(wording.concept)
            text = in_gender(wording.form(part.case), gender)
            is_ade = frame.is_positive and not part.treated
            pieces += _mark(text, phrases.concept_ids[wording.concept] if is_ade else None)
    return tuple(pieces)


def _draw_drugs(
    frame: Frame, phrases: Phrases, rng: Random
) -> tuple[DrugGroup, tuple[str, ...], tuple[str, ...]]:
    """Draw the frame's drug and another of its group, among groups that suit every slot."""
    only = [name for slot in frame.slots() if slot.name == "drug" for name in slot.only]
    needs_use = any(slot.treated for slot in frame.slots())
    choices = [
        (group, drug)
        for group in phrases.groups
        if (not only or group.name in only) and (not needs_use or group.treats)
        for drug in group.drugs
    ]
    group, drug = pick(rng, choices)
    return group, drug, pick(rng, [other for other in group.drugs if other != drug])


def _fitting(
    slot: Slot, group: DrugGroup, wordings: Sequence[Wording], split: Split, told: set[str]
) -> list[Wording]:
    concepts = slot.only or (group.treats if slot.treated else group.causes)
    return [
        wording
        for wording in wordings
        if wording.slot in ALSO_FITS.get(slot.name, (slot.name,))
        and wording.concept in concepts
        and wording.concept not in told
        and not (wording.held_out and split == "train")
    ]


def _mark(text: str, concept_id: str | None) -> list[Piece]:
    """Cut a wording into its annotated part and what stands around it."""
    match = _ANNOTATED_PART.match(text)
    before, inside, after = match.groups() if match else ("", text, "")
    if concept_id is None:
        return [Piece(before + inside + after)]
    around = (Piece(before), Piece(inside, "ADE", concept_id), Piece(after))
    return [piece for piece in around if piece.text]
