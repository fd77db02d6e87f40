"""A report as others take it: an object of JSON, or the columns that a table gains."""

from __future__ import annotations

from typing import Any

from smm4h_core.corpora.shapes import format_label
from smm4h_core.types import Report

ANSWER_COLUMNS = ("ade_prob", "ade_label", "ade_votes", "drugs", "bundle")
"""What `report_to_cells` gives: prob, ADE or NoADE, members for ADE, the distinct ingredients
named, in order of appearance and joined by ``"; "``, and ``name@version``."""


def report_to_json(report: Report) -> dict[str, Any]:
    """Return the report as an object of plain values; ``votes`` is members for ADE, and of all."""
    ade = report.ade
    return {
        "post_id": report.post_id,
        "lang": report.lang,
        "ade": {
            "prob": ade.prob,
            "label": format_label(ade.is_ade, "1a"),
            "votes": [ade.votes, ade.num_members],
        },
        "drugs": [
            {
                "start": drug.span.start,
                "end": drug.span.end,
                "text": drug.text,
                "name": drug.name,
                "smiles": drug.smiles,
            }
            for drug in report.drugs
        ],
        "bundle": report.bundle,
    }


def report_to_cells(report: Report) -> dict[str, Any]:
    """Return the report as cells of `ANSWER_COLUMNS`."""
    ade = report.ade
    drugs = "; ".join(dict.fromkeys(drug.name for drug in report.drugs))
    values = ade.prob, format_label(ade.is_ade, "1a"), ade.votes, drugs, report.bundle
    return dict(zip(ANSWER_COLUMNS, values, strict=True))
