import pytest

from benchmarks.reach import TARGETS, judge
from benchmarks.section import (
    Section,
    markdown_table,
    print_section,
    verdict_table,
    with_interval,
)


def test_markdown_table_aligns_columns_and_escapes_bars() -> None:
    assert markdown_table(("who", "F1"), [("a|b", "0.8"), ("c", "10.25")]).splitlines() == [
        "| who  |    F1 |",
        "| ---- | ----: |",
        r"| a\|b |   0.8 |",
        "| c    | 10.25 |",
    ]


def test_markdown_table_refuses_a_row_of_another_length() -> None:
    with pytest.raises(ValueError, match="zip"):
        markdown_table(("who", "F1"), [("a",)])


def test_verdict_table_says_which_targets_were_not_measured() -> None:
    lines = verdict_table([judge("training.padded", 5.0)]).splitlines()

    assert len(lines) == 2 + len(TARGETS)
    assert lines[2].endswith("|            5 |      no |")
    assert all("not measured" in line for line in lines[3:])


def test_print_section_prints_notes_and_what_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_section(
        Section("Speed", ("who", "x"), (("a", "1"),), {}, notes=("a note",), missing=("make it",))
    )

    assert capsys.readouterr().out == (
        "\n### Speed\n\n| who |   x |\n| --- | --: |\n| a   |   1 |\n\na note\n\nmake it\n"
    )


def test_with_interval_shows_three_digits() -> None:
    assert with_interval(0.8124, (0.78, 0.8405)) == "0.812 [0.780, 0.841]"
