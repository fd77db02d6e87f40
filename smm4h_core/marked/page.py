"""A page that opens anywhere: one file of HTML, no script, nothing fetched, no span lost."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from smm4h_core.marked.printable import make_printable

PAGE_STYLE = """
:root { color-scheme: light dark; --ink: #22262b; --ground: #fff; --faint: #5d656e; --rule: #e1e4e8;
        --ade: #ffe2a8; --drug: #cbe3ff; --aside: #e3e5e8; --gold: #1f6f50; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7ea; --ground: #16191d; --faint: #a3abb4; --rule: #343a41;
          --ade: #6b4d00; --drug: #1d4a7a; --aside: #454b52; --gold: #6fd0a8; } }
body { font: 15px/1.6 system-ui, sans-serif; color: var(--ink); background: var(--ground);
       max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.35rem; margin-bottom: .2rem; }
table { border-collapse: collapse; margin: 1rem 0; }
td, th { padding: .15rem 1rem .15rem 0; text-align: left; font-weight: normal;
         vertical-align: top; overflow-wrap: anywhere; }
thead th { color: var(--faint); }
article { border-top: 1px solid var(--rule); padding: .8rem 0; }
article h2 { font: 12px ui-monospace, monospace; color: var(--faint); margin: 0 0 .2rem; }
article p { margin: .2rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
a { color: inherit; } a:focus-visible, tr:target { outline: 2px solid currentColor; }
"""


def open_page(title: str, style: str) -> str:
    """The page's beginning, up to and with its heading.

    Args:
        title: What the page shows.
        style: What its articles need beyond `PAGE_STYLE`.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape_text(title)}</title>\n<style>{PAGE_STYLE}{style}</style>\n"
        f"<main>\n<h1>{escape_text(title)}</h1>\n"
    )


CLOSE_PAGE = "</main>\n</html>\n"
"""The page's end."""


def open_article(heading: str, place: int) -> str:
    """A post's beginning; the article is called by its heading.

    Args:
        heading: What the post is called.
        place: Its place in the page, from 1.
    """
    return f'<article aria-labelledby="p{place}">\n<h2 id="p{place}">{escape_text(heading)}</h2>\n'


CLOSE_ARTICLE = "</article>\n"
"""A post's end."""


def open_text(lang: str | None) -> str:
    """The beginning of a post's words; however they are written, what follows is not turned."""
    return f'<p dir="auto"{f" lang={lang!r}" if lang else ""}>'.replace("'", '"')


def format_table(headings: Sequence[str], rows: Sequence[str]) -> str:
    """A table of rows that are HTML already, under headings of plain text."""
    cells = "".join(f'<th scope="col">{escape_text(each)}</th>' for each in headings)
    return f"<table>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n{''.join(rows)}</tbody>\n</table>\n"


def escape_text(text: str) -> str:
    """Text as HTML has it; characters that act rather than are seen become pictures of them."""
    return escape(make_printable(text))
