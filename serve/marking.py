"""A post with its drugs and mentions marked, as HTML."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from smm4h_core.types import Post, Report


def mark_post(post: Post, report: Report) -> str:
    """The post's text, each stretch in the marks that cover it; letters say what colours do."""
    spans = [(drug.span, "drug", "D") for drug in report.drugs]
    for found in report.mentions or ():
        spans += [(part, "ade", "A") for part in found.mention.parts]
    ends = {0, len(post.text), *(p for span, _, _ in spans for p in (span.start, span.end))}
    borders = sorted(ends)
    pieces = []
    for start, end in pairwise(borders):
        covering = [each for each in spans if each[0].start <= start and end <= each[0].end]
        text = escape(post.text[start:end])
        for span, kind, letter in covering:
            sign = f"<sup>{letter}</sup>" if span.end == end else ""
            text = f'<mark class="{kind}">{text}{sign}</mark>'
        pieces.append(text)
    return "".join(pieces)
