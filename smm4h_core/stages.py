"""The steps of a post's journey: `Pipeline` takes them in turn, serving takes them apart.

Nothing here loads torch: what reads, detects and joins may run where no network is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from smm4h_core.drugs.finder import DrugFinder
from smm4h_core.errors import DataError
from smm4h_core.extract.context import mark_context
from smm4h_core.extract.drug_of import mark_drugs
from smm4h_core.text.language import detect_language
from smm4h_core.types import AdeDecision, DrugMention, FoundMention, Lang, Link, Post, Report

if TYPE_CHECKING:
    import torch

    from smm4h_core.classify.part import ClassifierPart
    from smm4h_core.extract.part import ExtractorPart
    from smm4h_core.link.part import LinkerPart

P = TypeVar("P")
A = TypeVar("A")
Found = tuple[FoundMention, ...]


def read_posts(posts: Sequence[Post | str], languages: Sequence[Lang]) -> list[Post]:
    """Posts with their languages; a text alone is called by its place, from 1.

    Raises:
        DataError: a post that states a language which is not among ``languages``.
    """
    return [_read(place, post, languages) for place, post in enumerate(posts, start=1)]


def find_drugs(finder: DrugFinder, posts: Sequence[Post]) -> list[tuple[DrugMention, ...]]:
    """The drugs that each post names."""
    return [finder.find(post.text, lang=post.lang) for post in posts]


def decide(
    parts: Mapping[Lang, ClassifierPart],
    posts: Sequence[Post],
    drugs: Sequence[Sequence[DrugMention]],
    *,
    device: torch.device,
) -> list[AdeDecision | None]:
    """Whether each post reports an ADE; None where no classifier reads its language."""
    return _ask(
        parts,
        [post.lang for post in posts],
        lambda part, chosen: part.decide(
            [posts[n] for n in chosen], [drugs[n] for n in chosen], device=device
        ),
    )


def choose_passed(decisions: Sequence[AdeDecision | None], *, extract_all: bool) -> list[int]:
    """Places of the posts in which mentions are sought: no classifier's "no ADE" stops them."""
    return [n for n, each in enumerate(decisions) if extract_all or each is None or each.is_ade]


def extract(
    parts: Mapping[Lang, ExtractorPart], posts: Sequence[Post], *, device: torch.device
) -> list[Found]:
    """Each post's mentions and what they stand in, not linked yet."""
    found = _ask(
        parts,
        [post.lang for post in posts],
        lambda part, chosen: part.extract([posts[n] for n in chosen], device=device),
    )
    return [mark_context(post, each or ()) for post, each in zip(posts, found, strict=True)]


def link(
    parts: Mapping[Lang, LinkerPart],
    posts: Sequence[Post],
    mentions: Sequence[Found],
    *,
    device: torch.device,
) -> list[Found]:
    """Each post's mentions with their links; as they were where no linker reads its language."""
    linked = _ask(
        parts,
        [post.lang for post in posts],
        lambda part, chosen: part.link(
            [posts[n] for n in chosen], [mentions[n] for n in chosen], device=device
        ),
    )
    return [old if new is None else new for old, new in zip(mentions, linked, strict=True)]


def link_strings(
    parts: Mapping[Lang, LinkerPart],
    mentions: Sequence[str],
    contexts: Sequence[str | None],
    languages: Sequence[Lang],
    *,
    device: torch.device,
) -> list[Link]:
    """A link for each mention given as a string, with the post that it stands in, if any.

    Raises:
        DataError: a language that no linker reads.
    """
    for lang in languages:
        if lang not in parts:
            raise DataError(f"expected a linker for {lang}, got {', '.join(parts) or 'none'}")
    links = _ask(
        parts,
        languages,
        lambda part, chosen: part.linker.link(
            [mentions[n] for n in chosen], [contexts[n] for n in chosen], device=device
        ),
    )
    return [each for each in links if each is not None]


def join_reports(
    label: str,
    posts: Sequence[Post],
    drugs: Sequence[tuple[DrugMention, ...]],
    decisions: Sequence[AdeDecision | None],
    passed: Sequence[int],
    mentions: Sequence[Found] | None,
) -> list[Report]:
    """One report a post, in order; each mention with the drugs that it is said of.

    Args:
        label: ``name@version`` of the bundle.
        posts: All of them, read.
        drugs: Of each.
        decisions: On each.
        passed: Places of the posts in which mentions were sought.
        mentions: Of those alone; None where the bundle holds no extractor.
    """
    found: list[Found | None] = [None if mentions is None else ()] * len(posts)
    for place, each in zip(passed, mentions or (), strict=mentions is not None):
        found[place] = mark_drugs(posts[place], each, drugs[place])
    return [
        Report(
            post_id=post.post_id,
            lang=post.lang,
            ade=decision,
            drugs=named,
            bundle=label,
            mentions=own,
        )
        for post, decision, named, own in zip(posts, decisions, drugs, found, strict=True)
    ]


def _read(place: int, given: Post | str, served: Sequence[Lang]) -> Post:
    post = Post(str(place), given) if isinstance(given, str) else given
    lang: Lang | None = post.lang
    if lang is None:
        lang = served[0] if len(served) == 1 else detect_language(post.text, served)
    if lang not in served:
        raise DataError(
            f"post {post.post_id!r}: expected one of the bundle's languages, "
            f"{', '.join(served)}; got {lang}"
        )
    return post if post.lang == lang else replace(post, lang=lang)


def _ask(
    parts: Mapping[Lang, P],
    languages: Sequence[Lang | None],
    answer: Callable[[P, Sequence[int]], Sequence[A]],
) -> list[A | None]:
    """Each part's answers on the places of its languages, in order; None without a part."""
    chosen: dict[int, list[int]] = {}
    part_of: dict[int, P] = {}
    for place, lang in enumerate(languages):
        part = parts.get(lang) if lang else None
        if part is not None:
            part_of[id(part)] = part
            chosen.setdefault(id(part), []).append(place)
    answers: list[A | None] = [None] * len(languages)
    for key, places in chosen.items():
        for place, each in zip(places, answer(part_of[key], places), strict=True):
            answers[place] = each
    return answers
