"""Sentences of English and Russian posts by one stated rule; documents of a corpus's sentences."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from smm4h_core.types import AnnotatedPost, Mention, Post, Span

_END = re.compile(r"(?P<mark>[.!?…]+)[\"'»”’)\]]*(?=\s)|\n")
_BEFORE = re.compile(r"[^\s(\[\"'«“‘]+$")
_OPENING = frozenset(("dr", "e.g", "i.e", "mr", "mrs", "ms", "vs", "напр", "т.е", "т.к", "т.н"))
"""What something must follow: no sentence ends after it."""
_CLOSING = frozenset(("etc", "гг", "др", "мг", "мл", "пр", "руб", "т.д", "т.п", "таб", "уп"))
"""What may stand last: a sentence ends after it before a capital letter."""
_NUMBER = re.compile(r"[0-9]+")
_ENUMERATION = re.compile(r"\d{1,2}")


def find_sentences(text: str) -> list[Span]:
    """Find the sentences of a post; blanks around them belong to none.

    A sentence ends at a line end, and at a run of ``. ! ? …`` with the quotation marks and brackets
    that close after it, where a blank follows. It does not end at a single full stop after an
    abbreviation ("dr.", "т.е."; after "etc.", "мг." only before a capital letter), after a single
    letter or after a number that begins the sentence; nor at an ellipsis (``…`` or several full
    stops) before a small letter.
    """
    sentences: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        if match["mark"] is None or _ends(text, start, match):
            sentences += _strip(text, start, match.end())
            start = match.end()
    return sentences + _strip(text, start, len(text))


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    mark = match["mark"]
    following = text[match.end() :].lstrip()[:1]
    if mark != ".":
        return not (set(mark) <= {".", "…"} and following.islower())
    found = _BEFORE.search(text, start, match.start())
    before = found[0].casefold() if found else ""
    if before in _OPENING or (len(before) == 1 and before.isalpha()):
        return False
    if before in _CLOSING:
        return following.isupper()
    begins = found is not None and not text[start : found.start()].strip()
    return not (begins and _ENUMERATION.fullmatch(before))


def _strip(text: str, start: int, end: int) -> list[Span]:
    stretch = text[start:end]
    inside = stretch.strip()
    if not inside:
        return []
    start += len(stretch) - len(stretch.lstrip())
    return [Span(start, start + len(inside))]


def split_documents(
    posts: Iterable[AnnotatedPost], whole: Collection[str] = ()
) -> Iterator[AnnotatedPost]:
    """Split each post in its sentences, which become posts of its group.

    Sentences that a mention crosses stay one post: a mention is never cut and never lost. A
    labelled document's sentence is positive where it holds an ADE. Ids count from 1.

    Args:
        posts: The documents.
        whole: Ids of those that stay one post, because nobody knows which of their sentences
            report the ADE that they report.
    """
    for document in posts:
        if document.post.post_id in whole:
            yield document
            continue
        sentences = _join_crossed(find_sentences(document.post.text), document.mentions)
        for number, span in enumerate(sentences, start=1):
            inside = [mention for mention in document.mentions if mention.span.overlaps(span)]
            mentions = tuple(_shift(mention, -span.start) for mention in inside)
            has_ade = any(mention.type == "ADE" for mention in mentions)
            yield AnnotatedPost(
                post=replace(
                    document.post,
                    post_id=f"{document.post.post_id}-{number}",
                    text=document.post.text[span.start : span.end],
                ),
                label=None if document.label is None else has_ade,
                mentions=mentions,
                group=document.group or document.post.post_id,
            )


def join_sentences(posts: Iterable[AnnotatedPost]) -> Iterator[AnnotatedPost]:
    """Put the sentences of each group together, a blank between two; the group names the document.

    Documents come in the order of their first sentences, and sentences in the order of their ids,
    numbers by their size. A document is positive where a sentence is, and unlabelled where one is.
    """
    documents: defaultdict[str, list[AnnotatedPost]] = defaultdict(list)
    for each in posts:
        documents[each.group or each.post.post_id].append(each)
    for group, members in documents.items():
        sentences = sorted(members, key=lambda each: _natural_order(each.post.post_id))
        texts: list[str] = []
        mentions: list[Mention] = []
        length = 0
        for sentence in sentences:
            mentions += (_shift(mention, length) for mention in sentence.mentions)
            texts.append(sentence.post.text)
            length += len(sentence.post.text) + 1
        labels = [sentence.label for sentence in sentences]
        post = Post(group, " ".join(texts), sentences[0].post.lang)
        label = None if None in labels else any(labels)
        yield AnnotatedPost(post, label, tuple(mentions), group)


def _natural_order(post_id: str) -> str:
    """A key that sorts ``x-2`` before ``x-10``."""
    return _NUMBER.sub(lambda number: number[0].zfill(20), post_id)


def _join_crossed(sentences: Sequence[Span], mentions: Sequence[Mention]) -> list[Span]:
    joined: list[Span] = []
    for sentence in sentences:
        # A mention may begin or end in the blanks that belong to no sentence.
        held = [mention.span for mention in mentions if mention.span.overlaps(sentence)]
        start = min(span.start for span in (sentence, *held))
        end = max(span.end for span in (sentence, *held))
        if joined and start < joined[-1].end:
            start = joined.pop().start
        joined.append(Span(start, end))
    return joined


def _shift(mention: Mention, by: int) -> Mention:
    return replace(
        mention,
        span=Span(mention.span.start + by, mention.span.end + by),
        fragments=tuple(Span(part.start + by, part.end + by) for part in mention.fragments),
    )
