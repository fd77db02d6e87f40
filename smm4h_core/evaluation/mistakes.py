"""What mentions got wrong, one by one: missed, spurious, of other boundaries, of another type."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from smm4h_core.evaluation.spans import same_stretch
from smm4h_core.types import AnnotatedPost, FoundMention, Mention

Kind = Literal["missed", "spurious", "boundary", "type"]
KINDS: tuple[Kind, ...] = ("missed", "spurious", "boundary", "type")
COLUMNS = (
    *("post_id", "kind", "gold_start", "gold_end", "gold_text"),
    *("pred_start", "pred_end", "pred_text", "prob", "votes"),
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mention that is not as gold has it."""

    kind: Kind
    """``boundary``: both overlap; ``type``: they do, and differ in type."""
    gold: Mention | None
    """The annotated mention; None of a spurious one."""
    found: FoundMention | None
    """The predicted mention; None of a missed one."""


@dataclass(frozen=True, slots=True)
class PostMistakes:
    """A post with whatever is wrong in it."""

    annotated: AnnotatedPost
    """The post and its gold mentions."""
    found: tuple[FoundMention, ...]
    """All its predicted mentions, right ones among them."""
    mistakes: tuple[Mistake, ...]
    """At least one, in order of appearance."""


def find_mistakes(
    gold: Sequence[AnnotatedPost], found: Sequence[Sequence[FoundMention]]
) -> list[PostMistakes]:
    """The posts with a mistake, in their order.

    Gold and predicted mentions are paired one to one, those of equal boundaries and type first,
    then those that share most of the text.

    Args:
        gold: ``(N,)`` posts with their mentions.
        found: ``(N,)`` what was predicted of them.
    """
    wrong = []
    for annotated, mentions in zip(gold, found, strict=True):
        if mistakes := _compare(annotated.mentions, mentions):
            wrong.append(PostMistakes(annotated, tuple(mentions), mistakes))
    return wrong


def format_mistakes(posts: Sequence[PostMistakes]) -> str:
    """CSV: a line a mistake, blank where one side has nothing."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for post in posts:
        for mistake in post.mistakes:
            found = mistake.found
            writer.writerow(
                (
                    writable(post.annotated.post.post_id),
                    mistake.kind,
                    *_cells(mistake.gold, post),
                    *_cells(found.mention if found else None, post),
                    *((found.prob, found.votes) if found else ("", "")),
                )
            )
    return stream.getvalue()


def _cells(mention: Mention | None, post: PostMistakes) -> tuple[object, ...]:
    if mention is None:
        return ("", "", "")
    text = post.annotated.post.text
    quoted = " ... ".join(text[part.start : part.end] for part in mention.parts)
    return (mention.span.start, mention.span.end, writable(quoted))


def writable(text: str) -> str:
    """The text with a question mark for half a surrogate pair, which UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _compare(gold: Sequence[Mention], found: Sequence[FoundMention]) -> tuple[Mistake, ...]:
    worth = np.array([[_worth(g, f.mention) for f in found] for g in gold], dtype=np.float64)
    worth = worth.reshape(len(gold), len(found))
    pairs = [
        (int(g), int(f))
        for g, f in zip(*linear_sum_assignment(worth, maximize=True), strict=True)
        if worth[g, f] > 0
    ]
    mistakes = []
    for g, f in pairs:
        one, other = gold[g], found[f].mention
        if one.type != other.type:
            mistakes.append(Mistake("type", one, found[f]))
        elif not same_stretch(one, other):
            mistakes.append(Mistake("boundary", one, found[f]))
    paired_gold, paired_found = {g for g, _ in pairs}, {f for _, f in pairs}
    mistakes += [Mistake("missed", m, None) for g, m in enumerate(gold) if g not in paired_gold]
    mistakes += [Mistake("spurious", None, m) for f, m in enumerate(found) if f not in paired_found]
    return tuple(sorted(mistakes, key=_place))


def _worth(gold: Mention, found: Mention) -> float:
    shared = sum(
        max(0, min(one.end, other.end) - max(one.start, other.start))
        for one in gold.parts
        for other in found.parts
    )
    if not shared:
        return 0.0
    covered = sum(part.end - part.start for part in (*gold.parts, *found.parts)) - shared
    # Equal boundaries are worth more than any number of overlaps that could be had instead.
    return shared / covered + (1000.0 if covered == shared else 0.0) + (gold.type == found.type)


def _place(mistake: Mistake) -> tuple[int, int]:
    mention = mistake.gold or (mistake.found.mention if mistake.found else None)
    assert mention is not None
    return mention.span.start, mention.span.end
