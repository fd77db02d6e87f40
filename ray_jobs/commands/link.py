"""``smm4h link``: mentions to concepts, one by one, with the reasons."""

from __future__ import annotations

from typing import Annotated

import typer

from ray_jobs.commands.bundle_argument import BundleArgument
from ray_jobs.commands.tables import print_table
from ray_jobs.commands.tasks import require_parts
from ray_jobs.console import print_json, results
from smm4h_core.types import Lang

SHOWN = 3
"""Candidates of a mention that the table shows beside its link."""


def link(
    bundle: BundleArgument,
    mentions: Annotated[
        list[str], typer.Argument(metavar="TEXT...", help="What somebody calls an effect.")
    ],
    post: Annotated[
        str | None, typer.Option(help="The post that they stand in, where the linker reads it.")
    ] = None,
    lang: Annotated[Lang | None, typer.Option(help="Their language; else it is detected.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which part decided, by which numbers.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the links as JSON.")] = False,
) -> None:
    """Link mentions to concepts of the bundle's terminology."""
    require_parts(bundle, "1c", gold_mentions=True, hint="BUNDLE")
    from smm4h_core.pipeline import load_pipeline
    from smm4h_core.reports import link_to_json

    pipeline = load_pipeline(bundle)
    links = [pipeline.link(mention, post=post, lang=lang) for mention in mentions]
    reasons = [
        pipeline.explain(mention, post=post, lang=lang) if explain else None for mention in mentions
    ]
    if json:
        print_json(
            [
                {"mention": mention, **link_to_json(each), "explained": reason}
                for mention, each, reason in zip(mentions, links, reasons, strict=True)
            ]
        )
        return
    rows = [
        (
            mention,
            each.concept_id or "NIL",
            each.name or "",
            each.source,
            f"{each.score:.3f}",
            "; ".join(f"{c.concept_id} {c.term}" for c in each.candidates[1 : 1 + SHOWN]),
        )
        for mention, each in zip(mentions, links, strict=True)
    ]
    headings = ("mention", "concept", "name", "decided by", "score", "next best")
    print_table(rows, headings=headings, num_left=4)
    for mention, reason in zip(mentions, reasons, strict=True):
        if reason is not None:
            results().print(f"{mention}: {reason}", markup=False)
