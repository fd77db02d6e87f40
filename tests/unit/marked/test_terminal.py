import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.marked.cells import in_style, width_of, wrap_cells
from smm4h_core.marked.terminal import format_marked
from smm4h_core.types import DrugTie, FoundMention, Link, Mention, Post, Report, Span
from tests.unit.marked.conftest import Answer, found, named

SLEEP = "seroquel made me sleep 14 hours, no headache"
SGR = re.compile(r"\x1b\[[0-9;]*m")


def lines_of(answered: tuple[Post, Report], **options: object) -> list[str]:
    return format_marked(*answered, **{"colour": False, **options}).splitlines()


def test_format_marked_says_all_that_a_report_says(answer: Answer) -> None:
    link = Link("HP:0001262", "Somnolence", "learned", 0.8)
    mentions = (
        found(
            SLEEP, "sleep 14 hours", link=link, said_of=(DrugTie(named(SLEEP, "seroquel"), 1.0),)
        ),
        found(
            SLEEP, "headache", context=("negated", "other_person"), link=Link(None, None, "nil", 0)
        ),
    )
    assert lines_of(answer(SLEEP, *mentions, drug="seroquel")) == [
        "17, en, psytar@1: ADE, prob 0.93, votes 10 of 10",
        "[seroquel DRUG 1] made me [sleep 14 hours ADE 2], "
        "no [headache ADE 3, negated, other person]",
        '  DRUG 1  "seroquel", quetiapine',
        '  ADE 2  "sleep 14 hours", HP:0001262 Somnolence, of DRUG 1 quetiapine, prob 0.88, '
        "votes 9 of 10",
        '  ADE 3  "headache", NIL, prob 0.88, votes 9 of 10, negated, other person',
    ]


@pytest.mark.parametrize(
    ("text", "parts", "marked"),
    [
        # nested
        ("bad pain in legs", [["bad pain in legs"], ["pain"]], "[bad [pain ADE 2] in legs ADE 1]"),
        # the same words twice
        ("rash", [["rash"], ["rash"]], "[[rash ADE 2] ADE 1]"),
        # crossing: which bracket ends is told by numbers
        ("pain in arm and leg", [["pain in arm"], ["arm and leg"]],
         "[1 pain in [2 arm ADE 1] and leg ADE 2]"),
        # in parts
        ("pain in my left leg", [["pain in", "leg"]], "[pain in ADE 1 …] my left [leg … ADE 1]"),
        # in three parts, another mention inside a gap
        ("dry eyes, mouth and skin", [["dry", "mouth", "skin"], ["eyes"]],
         "[dry ADE 1 …] [eyes ADE 2], [mouth … ADE 1 …] and [skin … ADE 1]"),
        # touching
        ("oneslee", [["one"], ["slee"]], "[one ADE 1][slee ADE 2]"),
    ],
)  # fmt: skip
def test_format_marked_sets_mentions_that_overlap(
    answer: Answer, text: str, parts: list[list[str]], marked: str
) -> None:
    shown = lines_of(answer(text, *(found(text, *each) for each in parts)))[1]
    assert shown == marked


def test_format_marked_in_colours_is_the_same_without_brackets(answer: Answer) -> None:
    answered = answer(SLEEP, found(SLEEP, "sleep 14 hours"), drug="seroquel")
    coloured = format_marked(*answered, colour=True)
    assert "\x1b[30;48;5;222msleep 14 hours" in coloured
    plain = format_marked(*answered, colour=False)
    assert SGR.sub("", coloured) == plain.replace("[", "").replace("]", "")
    assert "\x1b" not in plain


def test_format_marked_shows_a_mention_in_a_context_as_no_effect(answer: Answer) -> None:
    coloured = format_marked(
        *answer(SLEEP, found(SLEEP, "headache", context=("negated",))), colour=True
    )
    assert "48;5;222" not in coloured
    assert "48;5;252mheadache" in coloured


def test_format_marked_takes_what_a_bundle_has_no_part_for() -> None:
    post = Post("a\x1bb\n\tc", "fine", None)
    report = Report("a\x1bb\n\tc", None, None, (), "x@1", None)
    assert format_marked(post, report, colour=False) == "a␛b c, x@1\nfine\n"


def test_format_marked_refuses_the_report_of_another_post(answer: Answer) -> None:
    _, report = answer(SLEEP, found(SLEEP, "headache"))
    with pytest.raises(ValueError, match="expected the report of post '17', of 5 code points"):
        format_marked(Post("17", "short"), report, colour=False)


@given(
    st.text(st.characters(codec=None), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 59), st.integers(1, 20)), max_size=5),
    st.one_of(st.none(), st.integers(6, 40)),
    st.booleans(),
)
def test_format_marked_never_emits_a_command_of_the_post_s_own(
    text: str, places: list[tuple[int, int]], width: int | None, colour: bool
) -> None:
    mentions = []
    for start, length in places:
        at = start % len(text)
        end = min(len(text), at + length)
        mentions.append(FoundMention(Mention(Span(at, end), text[at:end]), 0.5, 1, 2))
    report = Report("1", "en", None, (), "x@1", tuple(mentions))
    shown = format_marked(Post("1", text), report, colour=colour, width=width)
    assert shown.encode("utf-8")
    rest = SGR.sub("", shown) if colour else shown
    assert not any(unicodedata.category(char) == "Cc" for char in rest.replace("\n", ""))
    assert not set(rest) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
    if width is not None:
        assert all(sum(map(width_of, line)) <= width for line in rest.split("\n"))


def test_wrap_cells_breaks_at_spaces_and_keeps_labels_whole() -> None:
    cells = [*in_style("my head hurts"), *in_style(" ADE 1", keeps=True), *in_style(" ok")]
    lines = ["".join(cell.char for cell in line) for line in wrap_cells(cells, 13)]
    assert lines == ["my head", "hurts ADE 1", "ok"]


def test_wrap_cells_counts_wide_and_joining_characters() -> None:
    lines = ["".join(c.char for c in line) for line in wrap_cells(in_style("日本語e\u0301e"), 4)]
    assert lines == ["日本", "語e\u0301e"]


def test_wrap_cells_keeps_blank_lines() -> None:
    shown = ["".join(c.char for c in line) for line in wrap_cells(in_style("\na\n\nb\n"), 5)]
    assert shown == ["", "a", "", "b"]
