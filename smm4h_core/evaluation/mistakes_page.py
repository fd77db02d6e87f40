"""Mistakes as a page that opens anywhere: one file of HTML, no script, nothing fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import pairwise

from smm4h_core.evaluation.mistakes import KINDS, Mistake, PostMistakes, writable
from smm4h_core.types import Span

_STYLE = """
body { font: 15px/1.6 system-ui, sans-serif; color: #22262b; background: #fff;
       max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.35rem; margin-bottom: .2rem; }
table { border-collapse: collapse; margin: 1rem 0; }
td, th { padding: .15rem 1rem .15rem 0; text-align: right; }
td:first-child, th:first-child { text-align: left; }
article { border-top: 1px solid #e6e8eb; padding: .8rem 0; }
article h2 { font: 12px ui-monospace, monospace; color: #6b737c; margin: 0 0 .2rem; }
article p { margin: .2rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
ul { list-style: none; margin: .2rem 0; padding: 0; color: #4c545c; font-size: 13px; }
b { display: inline-block; min-width: 5rem; font-weight: 600; }
b.missed { color: #b3403a; } b.spurious { color: #8a5a00; }
b.boundary { color: #2b5a9e; } b.type { color: #7a3e9d; }
.gold { border-bottom: 3px solid #1f6f50; }
.pred { background: #ffe2a8; }
"""


def format_mistakes_page(posts: Sequence[PostMistakes], *, title: str) -> str:
    """The page.

    Args:
        posts: With at least one mistake each.
        title: What was evaluated on what.
    """
    counts = Counter(mistake.kind for post in posts for mistake in post.mistakes)
    rows = "".join(f"<tr><td>{kind}</td><td>{counts[kind]}</td></tr>" for kind in KINDS)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n"
        f"<h1>{escape(title)}</h1>\n"
        '<p><span class="gold">annotated</span>, <span class="pred">predicted</span>, '
        f'<span class="gold pred">both</span>; {len(posts)} posts with a mistake</p>\n'
        f"<table><tr><th>mistake</th><th>mentions</th></tr>{rows}</table>\n"
        + "".join(map(_article, posts))
        + "</html>\n"
    )


def _article(post: PostMistakes) -> str:
    text = post.annotated.post.text
    lines = "".join(f"<li>{_line(mistake, text)}</li>" for mistake in post.mistakes)
    return (
        f"<article><h2>{_escape(post.annotated.post.post_id)}</h2>"
        f'<p lang="{post.annotated.post.lang or ""}">{_marked(post)}</p>'
        f"<ul>{lines}</ul></article>\n"
    )


def _marked(post: PostMistakes) -> str:
    text = post.annotated.post.text
    gold = [part for mention in post.annotated.mentions for part in mention.parts]
    pred = [part for found in post.found for part in found.mention.parts]
    cuts = sorted({0, len(text), *(at for s in (*gold, *pred) for at in (s.start, s.end))})
    pieces = []
    for start, end in pairwise(cuts):
        inside = [
            name
            for name, spans in (("gold", gold), ("pred", pred))
            if any(span.overlaps(Span(start, end)) for span in spans)
        ]
        quoted = _escape(text[start:end])
        pieces.append(f'<span class="{" ".join(inside)}">{quoted}</span>' if inside else quoted)
    return "".join(pieces)


def _line(mistake: Mistake, text: str) -> str:
    sides = []
    for name, mention in (
        ("annotated", mistake.gold),
        ("predicted", mistake.found.mention if mistake.found else None),
    ):
        if mention is not None:
            quoted = " ... ".join(text[part.start : part.end] for part in mention.parts)
            sides.append(f"{name} {mention.type} “{_escape(quoted)}”")
    prob = f" ({mistake.found.prob:.2f})" if mistake.found else ""
    return f'<b class="{mistake.kind}">{mistake.kind}</b> {", ".join(sides)}{prob}'


def _escape(text: str) -> str:
    return escape(writable(text))
