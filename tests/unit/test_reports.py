from smm4h_core.reports import (
    ANSWER_COLUMNS,
    PAIR_COLUMNS,
    pairs_to_cells,
    report_to_cells,
    report_to_json,
)
from smm4h_core.types import (
    AdeDecision,
    DrugMention,
    DrugTie,
    FoundMention,
    Link,
    Mention,
    Report,
    Span,
)

DRUGS = (
    DrugMention(Span(12, 20), "seroquel", "quetiapine", "C"),
    DrugMention(Span(24, 30), "prozac", "fluoxetine", None),
    DrugMention(Span(40, 48), "Seroquel", "quetiapine", "C"),
)
REPORT = Report("17", "en", AdeDecision(0.93, True, votes=9, num_members=10), DRUGS[:1], "b@1")


def test_report_to_json_is_as_the_service_and_the_files_have_it() -> None:
    assert report_to_json(REPORT) == {
        "post_id": "17",
        "lang": "en",
        "ade": {"prob": 0.93, "label": "ADE", "votes": [9, 10]},
        "drugs": [
            {"start": 12, "end": 20, "text": "seroquel", "name": "quetiapine", "smiles": "C"}
        ],
        "mentions": None,
        "bundle": "b@1",
    }


def test_report_to_cells_fills_the_answer_columns() -> None:
    negative = Report("18", None, AdeDecision(0.2, False, 1, 10), DRUGS, "b@1")

    assert tuple(report_to_cells(negative)) == ANSWER_COLUMNS
    named = "quetiapine; fluoxetine"
    assert tuple(report_to_cells(negative).values()) == (0.2, "NoADE", 1, named, None, "b@1")


def test_pairs_to_cells_has_a_row_for_each_drug_of_each_mention() -> None:
    link = Link("C1", "Nausea", "similarity", 0.8)
    ties = DrugTie(DRUGS[0], 0.75), DrugTie(DRUGS[1], 0.5)
    of_two = FoundMention(
        Mention(Span(50, 56), "nausea"), 0.5, 1, 1, ("negated", "history"), link, ties
    )
    of_none = FoundMention(Mention(Span(60, 64), "rash"), 0.25, 1, 1)
    report = Report("17", "en", REPORT.ade, DRUGS, "b@1", (of_two, of_none))

    rows = pairs_to_cells(report)

    assert all(tuple(row) == PAIR_COLUMNS for row in rows)
    effect = ("nausea", 50, 56, 0.5, "negated; history", "C1", "Nausea", 0.93, "ADE", "b@1")
    assert [tuple(row.values()) for row in rows] == [
        ("quetiapine", 12, 20, 0.75, *effect),
        ("fluoxetine", 24, 30, 0.5, *effect),
        (None, None, None, None, "rash", 60, 64, 0.25, "", None, None, 0.93, "ADE", "b@1"),
    ]
    first, second = report_to_json(report)["mentions"]
    assert first["drugs"] == [
        {"start": 12, "end": 20, "name": "quetiapine", "score": 0.75},
        {"start": 24, "end": 30, "name": "fluoxetine", "score": 0.5},
    ]
    assert second["drugs"] == []
    assert pairs_to_cells(REPORT) == []
