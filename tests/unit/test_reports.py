from smm4h_core.reports import ANSWER_COLUMNS, report_to_cells, report_to_json
from smm4h_core.types import AdeDecision, DrugMention, Report, Span

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
