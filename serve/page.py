"""The first page: paste a post, see it marked. Rendered here, nothing fetched, no script."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Any

from serve.marking import mark_post
from smm4h_core.types import DrugMention, FoundMention, Post, Report

STYLE = """
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:52rem;margin:0 auto;padding:1rem}
textarea,input{width:100%;box-sizing:border-box;font:inherit;padding:.5rem}
button{font:inherit;padding:.5rem 1.5rem;margin:.5rem 0}
:focus-visible{outline:3px solid Highlight;outline-offset:2px}
.post{white-space:pre-wrap;overflow-wrap:anywhere;border-inline-start:4px solid GrayText;
padding:.5rem 1rem;font-size:1.15rem}
mark{color:inherit;background:none;border-bottom:3px solid}
mark.drug{border-color:#0b6bcb}mark.ade{border-color:#c2410c;border-bottom-style:double}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:start;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid GrayText}
img{background:#fff;max-width:10rem;height:auto}sup{line-height:0}
.notice{border:2px solid;padding:.5rem 1rem}
footer{margin-top:2rem;font-size:.9rem}
"""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src data:; "
    f"style-src 'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MOST_CANDIDATES = 5


def format_page(
    *,
    label: str,
    signed_in: bool,
    notice: str = "",
    post: Post | None = None,
    report: Report | None = None,
) -> str:
    """The page as HTML.

    Args:
        label: ``name@version`` of the bundle.
        signed_in: Whether to show the form for posts, else the one for a key.
        notice: What went wrong, if anything.
        post: What was asked.
        report: What is said of it.
    """
    told = f'<p class="notice" role="alert">{escape(notice)}</p>' if notice else ""
    form = _ask_form(post) if signed_in else _KEY_FORM
    answer = _answer(post, report) if post and report else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>smm4h: adverse drug effects in a post</title><style>{STYLE}</style></head>"
        f"<body><main><h1>Adverse drug effects in a post</h1>{told}{form}{answer}</main>"
        f"<footer>Bundle {escape(label)}. A post is answered and forgotten: nothing is kept. "
        "What is marked is a model's reading, not a medical finding.</footer></body></html>"
    )


_KEY_FORM = (
    '<form method="post" action="/session"><label for="key">Your key</label>'
    '<input id="key" name="key" type="password" autocomplete="off" required autofocus>'
    "<button>Sign in</button></form>"
)


def _ask_form(post: Post | None) -> str:
    text = escape(post.text) if post else ""
    # A line feed right after the tag belongs to the tag, so that one of the post's is kept.
    return (
        '<form method="post" action="/"><label for="text">A post, English or Russian</label>'
        f'<textarea id="text" name="text" rows="5" required>\n{text}</textarea>'
        "<button>Read it</button></form>"
    )


def _answer(post: Post, report: Report) -> str:
    lang = f' lang="{report.lang}"' if report.lang else ""
    parts = [
        '<section aria-labelledby="answer"><h2 id="answer">What it says</h2>',
        f'<p class="post" dir="auto"{lang}>{mark_post(post, report)}</p>',
        "<p>D: a drug. A: an adverse effect.</p>",
    ]
    if report.ade is not None:
        said = "reports an adverse drug effect" if report.ade.is_ade else "reports none"
        parts.append(
            f"<p><strong>This post {said}</strong>: probability {report.ade.prob:.2f}, "
            f"{report.ade.votes} of {report.ade.num_members} members for it.</p>"
        )
    if report.mentions:
        head = ("In the post", "Of the drug", "Prob.", "Votes", "Context", "Concept", "Candidates")
        rows = [_mention_row(found) for found in report.mentions]
        parts.append(_table("Effects", head, rows))
    if report.drugs:
        columns = ("In the post", "Drug", "Molecule")
        parts.append(_table("Drugs", columns, [_drug_row(drug) for drug in report.drugs]))
    return "".join(parts) + "</section>"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML already."""
    heads = "".join(f'<th scope="col">{each}</th>' for each in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<h3>{title}</h3><div class="wide" tabindex="0" role="region" aria-label="{title}">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _drug_row(drug: DrugMention) -> tuple[str, ...]:
    picture = "none known"
    if drug.smiles and (svg := draw_molecule(drug.smiles)):
        source = b64encode(svg.encode()).decode()
        alt = f"Structure of {escape(drug.name, quote=True)}"
        picture = f'<img src="data:image/svg+xml;base64,{source}" alt="{alt}">'
    return escape(drug.text), escape(drug.name), picture


def _mention_row(found: FoundMention) -> tuple[str, ...]:
    link = found.link
    concept, others = "not linked", ""
    if link is not None:
        concept = "NIL: no concept is sure enough"
        if link.concept_id is not None:
            concept = f"{escape(link.name or '')} ({escape(link.concept_id)}), {link.score:.2f}"
        weighed = link.candidates[:MOST_CANDIDATES]
        others = "<br>".join(f"{escape(each.term)} {each.score:.2f}" for each in weighed)
    return (
        escape(found.mention.text),
        escape(", ".join(tie.drug.name for tie in found.drugs)) or "none named",
        f"{found.prob:.2f}",
        f"{found.votes} of {found.num_members}",
        escape(", ".join(found.context).replace("_", " ")) or "plain",
        concept,
        others,
    )


@lru_cache(maxsize=512)
def draw_molecule(smiles: str) -> str | None:
    """A molecule as SVG; None where RDKit cannot read it."""
    from rdkit import Chem, rdBase
    from rdkit.Chem.Draw import rdMolDraw2D

    with rdBase.BlockLogs():
        molecule: Any = Chem.MolFromSmiles(smiles)
    if molecule is None:
        return None
    drawer = rdMolDraw2D.MolDraw2DSVG(260, 180)
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, molecule)
    drawer.FinishDrawing()
    return str(drawer.GetDrawingText())
