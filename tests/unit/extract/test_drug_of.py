"""Which drug a mention is said of."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.extract.drug_features import FEATURES, load_drug_cues
from smm4h_core.extract.drug_of import choose_drugs, find_drugs_of, load_weights, mark_drugs
from smm4h_core.extract.drug_places import DrugPlace
from smm4h_core.types import DrugMention, FoundMention, Lang, Mention, Post, Span


def read_marked(marked: str) -> tuple[str, list[DrugMention], list[Span]]:
    """A text with ``[drugs]``, each named by its words in lower case, and ``{mentions}``."""
    text, done = "", 0
    drugs, spans = [], []
    for match in re.finditer(r"\[([^\]]+)\]|\{([^}]+)\}", marked):
        text += marked[done : match.start()]
        quoted = match[1] or match[2]
        span = Span(len(text), len(text) + len(quoted))
        if match[1]:
            drugs.append(DrugMention(span, quoted, quoted.lower(), None))
        else:
            spans.append(span)
        text, done = text + quoted, match.end()
    return text + marked[done:], drugs, spans


def names_of(marked: str, lang: Lang = "en") -> list[list[str]]:
    """The names of each mention's drugs."""
    text, drugs, spans = read_marked(marked)
    return [[tie.drug.name for tie in each] for each in find_drugs_of(text, spans, drugs, lang)]


@pytest.mark.parametrize(
    ("marked", "wanted"),
    [
        ("{rash} and hives", []),
        ("the {rash} is back", []),
        ("[X] for sleep. {rash} all over", ["x"]),
        ("[X]-induced {rash} was treated with [Y]", ["x"]),
        ("{rash} after [X]", ["x"]),
        ("{rash} due to [X], not [Y]", ["x"]),
        ("switched from [X] to [Y] and got {a rash}", ["y"]),
        ("[X] for depression, [Y] made me {sleepy}", ["y"]),
        ("[X] was fine, [Y] gave me {a rash}", ["y"]),
        ("[X] and [Y] gave me {a rash}", ["x", "y"]),
        ("[X], [Y] and [Z] caused {hepatitis}", ["x", "y", "z"]),
        ("{rash} on [X]/[Y]", ["x", "y"]),
        ("{rash} from the combination of [X] with [Y]", ["x", "y"]),
        ("the [X] [Y] combo gave me {a rash}", ["x", "y"]),
        ("severe {rash} from [X], and [Y] cleared it", ["x"]),
        ("stopped [X] because of {the rash}, now on [Y]", ["x"]),
        ("[X] in the treatment of [Y]-induced {vomiting}", ["y"]),
        ("[X] reversed {the coma} caused by [Y]", ["y"]),
        ("I took [X] and [Y], and the [Y] gave me {a rash}", ["y"]),
    ],
)
def test_drugs_of_english_mentions(marked: str, wanted: list[str]) -> None:
    assert names_of(marked) == [wanted]


@pytest.mark.parametrize(
    ("marked", "wanted"),
    [
        ("от [икса] {сыпь}", ["икса"]),
        ("перешла с [икса] на [игрек], и {набрала вес}", ["игрек"]),
        ("[икс] и [игрек] вызвали {сыпь}", ["икс", "игрек"]),
        ("сочетание [икса] с [игреком] вызвало {сыпь}", ["икса", "игреком"]),
        ("{сыпь} вследствие приёма [икса], назначен [игрек]", ["икса"]),
        ("[икс] мне подходит, а от [игрека] {сыпь}", ["игрека"]),
        ("[икс] устранил {кому}, вызванную [игреком]", ["игреком"]),
    ],
)
def test_drugs_of_russian_mentions(marked: str, wanted: list[str]) -> None:
    assert names_of(marked, "ru") == [wanted]


def test_each_mention_has_its_own_drug() -> None:
    marked = "[X] gave me {a rash} and [Y] gave me {a headache}"
    assert names_of(marked) == [["x"], ["y"]]


@pytest.mark.parametrize(
    ("text", "mention", "wanted"),
    [
        ("after X we saw raised Y levels", "raised Y levels", "X"),
        ("we saw raised Y levels", "raised Y levels", "Y"),
        ("after X we saw Y toxicity", "Y toxicity", "Y"),
    ],
)
def test_drug_that_is_measured_is_not_what_did_it(text: str, mention: str, wanted: str) -> None:
    drugs = [
        DrugMention(Span(at, at + 1), name, name, None)
        for name in "XY"
        if (at := text.find(name)) >= 0
    ]
    start = text.index(mention)
    ((tie,),) = find_drugs_of(text, [Span(start, start + len(mention))], drugs, "en")
    assert tie.drug.name == wanted


def test_brand_and_ingredient_are_one_drug() -> None:
    text, drugs, spans = read_marked("[Prozac] ([fluoxetine]) gave me {a rash}, not [Y]")
    one = [
        DrugMention(each.span, each.text, name, None)
        for each, name in zip(drugs, ("fluoxetine", "fluoxetine", "y"), strict=True)
    ]
    ((tie,),) = find_drugs_of(text, spans, one, "en")
    assert (tie.drug.name, tie.score > 0.5) == ("fluoxetine", True)


def test_score_of_the_only_drug_is_one_and_shares_of_others_are_less() -> None:
    text, drugs, spans = read_marked("[X] gave me {a rash}")
    ((tie,),) = find_drugs_of(text, spans, drugs, "en")
    assert tie.score == 1.0
    text, drugs, spans = read_marked("[X] gave me {a rash}, never had it on [Y]")
    ((tie,),) = find_drugs_of(text, spans, drugs, "en")
    assert 0.5 < tie.score < 1.0


def test_choose_drugs_sums_the_shares_of_a_drug_named_again() -> None:
    x, y, again = (
        DrugMention(Span(n, n + 1), "x", name, None) for n, name in enumerate(("x", "y", "x"))
    )
    places = [DrugPlace(n, n + 1, (drug,)) for n, drug in enumerate((x, y, again))]
    (tie,) = choose_drugs(places, [0.25, 0.4375, 0.3125])
    assert (tie.drug, tie.score) == (again, 0.5625)
    (tie,) = choose_drugs(places[:2], [0.46875, 0.46875])
    assert tie.drug == x  # none has half: the best place, the first of two as good


def test_mark_drugs_leaves_all_else_as_it_is() -> None:
    text, drugs, spans = read_marked("[X] gave me {a rash}")
    mention = FoundMention(Mention(spans[0], "a rash"), 0.5, 1, 2, context=("history",))
    (marked,) = mark_drugs(Post("1", text), [mention], drugs)
    assert [tie.drug for tie in marked.drugs] == drugs
    assert (marked.mention, marked.prob, marked.context) == (mention.mention, 0.5, ("history",))


LETTERS = st.one_of(st.sampled_from(list("ab ,.и\n")), st.characters(codec=None))


@given(st.text(LETTERS, min_size=4, max_size=40), st.data())
def test_drugs_of_any_text_are_of_its_drugs(text: str, data: st.DataObject) -> None:
    ends = st.lists(st.integers(0, len(text)), min_size=2, max_size=6, unique=True)
    cuts = sorted(data.draw(ends))
    spans = [Span(*pair) for pair in zip(cuts[::2], cuts[1::2], strict=False)]
    drugs = [DrugMention(span, "", data.draw(st.sampled_from("xyz")), None) for span in spans]
    start = data.draw(st.integers(0, len(text) - 1))
    mention = Span(start, data.draw(st.integers(start + 1, len(text))))
    for lang in ("en", "ru"):
        alone = find_drugs_of(text, [mention], drugs, lang)
        assert find_drugs_of(text, [mention, mention], drugs, lang) == alone * 2
        names = [tie.drug.name for tie in alone[0]]
        assert len(names) == len(set(names))
        assert all(tie.drug in drugs and 0 < tie.score <= 1 for tie in alone[0])


def test_packaged_cues_and_weights_are_whole() -> None:
    assert tuple(load_weights()) == FEATURES
    cues = load_drug_cues()
    assert min(len(cues["en"]), len(cues["ru"])) > 100
