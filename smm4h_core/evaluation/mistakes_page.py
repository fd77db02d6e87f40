"""Mistakes as a page that opens anywhere: one file of HTML, no script, nothing fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from smm4h_core.evaluation.mistakes import KINDS, Mistake, PostMistakes
from smm4h_core.marked.page import (
    CLOSE_ARTICLE,
    CLOSE_PAGE,
    escape_text,
    format_table,
    open_article,
    open_page,
    open_text,
)
from smm4h_core.marked.pieces import cut_pieces

_STYLE = """
ul { list-style: none; margin: .2rem 0; padding: 0; color: var(--faint); font-size: 13px; }
b { display: inline-block; min-width: 5rem; font-weight: 600; }
.gold { border-bottom: 3px solid var(--gold); }
.pred { background: var(--ade); }
"""
_CLASSES = ("gold", "pred")


def format_mistakes_page(posts: Sequence[PostMistakes], *, title: str) -> str:
    """The page.

    Args:
        posts: With at least one mistake each.
        title: What was evaluated on what.
    """
    counts = Counter(mistake.kind for post in posts for mistake in post.mistakes)
    rows = [f'<tr><th scope="row">{kind}</th><td>{counts[kind]}</td></tr>\n' for kind in KINDS]
    return (
        open_page(title, _STYLE)
        + '<p><span class="gold">annotated</span>, <span class="pred">predicted</span>, '
        f'<span class="gold pred">both</span>; {len(posts)} posts with a mistake</p>\n'
        + format_table(("mistake", "mentions"), rows)
        + "".join(_article(post, place) for place, post in enumerate(posts, start=1))
        + CLOSE_PAGE
    )


def _article(post: PostMistakes, place: int) -> str:
    text, lang = post.annotated.post.text, post.annotated.post.lang
    lines = "".join(f"<li>{_line(mistake, text)}</li>" for mistake in post.mistakes)
    return (
        f"{open_article(post.annotated.post.post_id, place)}"
        f"{open_text(lang)}{_marked(post)}</p>\n<ul>{lines}</ul>\n{CLOSE_ARTICLE}"
    )


def _marked(post: PostMistakes) -> str:
    text = post.annotated.post.text
    gold = [part for mention in post.annotated.mentions for part in mention.parts]
    pred = [part for found in post.found for part in found.mention.parts]
    pieces = []
    for piece in cut_pieces(len(text), (gold, pred)):
        quoted = escape_text(text[piece.start : piece.end])
        inside = " ".join(_CLASSES[group] for group in piece.inside)
        pieces.append(f'<span class="{inside}">{quoted}</span>' if inside else quoted)
    return "".join(pieces)


def _line(mistake: Mistake, text: str) -> str:
    sides = []
    for name, mention in (
        ("annotated", mistake.gold),
        ("predicted", mistake.found.mention if mistake.found else None),
    ):
        if mention is not None:
            quoted = " ... ".join(text[part.start : part.end] for part in mention.parts)
            sides.append(f"{name} {mention.type} “{escape_text(quoted)}”")
    prob = f" ({mistake.found.prob:.2f})" if mistake.found else ""
    return f"<b>{mistake.kind}</b> {', '.join(sides)}{prob}"
