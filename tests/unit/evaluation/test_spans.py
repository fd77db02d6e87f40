import json
from dataclasses import asdict
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.errors import DataError
from smm4h_core.evaluation.counts import Score
from smm4h_core.evaluation.spans import count_spans, score_spans
from smm4h_core.types import Mention, Span


def ade(start: int, end: int, concept_id: str | None = None, text: str = "x") -> Mention:
    return Mention(Span(start, end), text, concept_id=concept_id)


def counts(gold: list[Mention], pred: list[Mention], task: str = "1b") -> dict[str, list[int]]:
    """(tp, fp, fn) of one post, by scorer and strictness."""
    rows = count_spans({"1": gold}, {"1": pred}, task=task)
    return {
        "official relaxed": rows.official.relaxed[0].tolist(),
        "official strict": rows.official.strict[0].tolist(),
        "one-to-one relaxed": rows.one_to_one.relaxed[0].tolist(),
        "one-to-one strict": rows.one_to_one.strict[0].tolist(),
    }


def test_equal_spans_match_under_every_scorer():
    assert set(map(tuple, counts([ade(3, 9)], [ade(3, 9)]).values())) == {(1, 0, 0)}


def test_overlapping_spans_match_relaxed_only():
    assert counts([ade(3, 9)], [ade(5, 12)]) == {
        "official relaxed": [1, 0, 0],
        "official strict": [0, 1, 1],
        "one-to-one relaxed": [1, 0, 0],
        "one-to-one strict": [0, 1, 1],
    }


@pytest.mark.parametrize("pred", [ade(9, 12), ade(1, 3)])
def test_touching_spans_match_under_the_official_scorer_only(pred):
    touching = counts([ade(3, 9)], [pred])
    assert touching["official relaxed"] == [1, 0, 0]
    assert touching["one-to-one relaxed"] == [0, 1, 1]


def test_spans_a_character_apart_match_under_no_scorer():
    assert set(map(tuple, counts([ade(3, 9)], [ade(10, 12)]).values())) == {(0, 1, 1)}


def test_fragments_inflate_the_official_scorer_but_not_the_one_to_one():
    fragments = counts([ade(0, 12), ade(20, 25)], [ade(0, 3), ade(4, 7), ade(8, 12)])
    assert fragments["official relaxed"] == [3, 0, 1]
    assert fragments["one-to-one relaxed"] == [1, 2, 1]


def in_parts(*parts: tuple[int, int]) -> Mention:
    spans = tuple(Span(*part) for part in parts)
    return Mention(Span(spans[0].start, spans[-1].end), "x", fragments=spans)


def test_mentions_in_parts_match_by_them_one_to_one_and_by_their_hull_officially():
    gold = [in_parts((0, 4), (20, 24))]
    between = counts(gold, [ade(8, 12)])  # in the hull, in no part
    assert between["official relaxed"] == [1, 0, 0]
    assert between["one-to-one relaxed"] == [0, 1, 1]
    other = counts(gold, [in_parts((0, 4), (18, 24))])
    assert other["official strict"] == [1, 0, 0]
    assert (other["one-to-one strict"], other["one-to-one relaxed"]) == ([0, 1, 1], [1, 0, 0])
    # The shared task's files know no parts: there the hull is the best that can be said.
    for pred in (in_parts((0, 4), (20, 24)), ade(0, 24)):
        assert counts(gold, [pred])["one-to-one strict"] == [1, 0, 0]


def test_official_true_positives_are_pairs():
    # Two golds, two predictions, each prediction over both golds: four pairs.
    both = counts([ade(0, 4), ade(5, 9)], [ade(0, 9), ade(1, 8)])
    assert both["official relaxed"] == [4, 0, 0]
    assert both["one-to-one relaxed"] == [2, 0, 0]


def test_one_to_one_finds_the_greatest_matching_where_greed_fails():
    # The first prediction could take either gold, the second only the first gold.
    matched = counts([ade(0, 4), ade(5, 9)], [ade(2, 7), ade(0, 3)])
    assert matched["one-to-one relaxed"] == [2, 0, 0]


def test_exact_duplicates_count_once():
    duplicated = counts([ade(3, 9), ade(3, 9)], [ade(3, 9), ade(3, 9), ade(20, 22), ade(20, 22)])
    assert set(map(tuple, duplicated.values())) == {(1, 1, 0)}


def test_quoted_text_makes_another_line_for_the_official_scorer_only():
    quoted = counts([ade(3, 9)], [ade(3, 9, text="Slept"), ade(3, 9, text="slept")])
    assert quoted["official strict"] == [2, 0, 0]
    assert quoted["one-to-one strict"] == [1, 0, 0]


def test_1c_wants_equal_concepts_and_1b_disregards_them():
    gold, pred = [ade(3, 9, "10041349")], [ade(3, 9, "10013649")]
    assert set(map(tuple, counts(gold, pred, "1c").values())) == {(0, 1, 1)}
    assert set(map(tuple, counts(gold, pred, "1b").values())) == {(1, 0, 0)}


def test_1c_scores_each_concept_of_a_span_by_itself():
    gold = [ade(3, 9, "10041349"), ade(3, 9, "10013649")]
    assert counts(gold, [ade(3, 9, "10041349")], "1c")["official strict"] == [1, 0, 1]
    assert counts(gold, [ade(3, 9, "10041349")], "1b")["official strict"] == [1, 0, 0]


def test_1c_takes_nil_for_an_answer():
    assert counts([ade(3, 9)], [ade(3, 9)], "1c")["one-to-one strict"] == [1, 0, 0]
    assert counts([ade(3, 9, "10041349")], [ade(3, 9)], "1c")["official relaxed"] == [0, 1, 1]


def test_mentions_of_another_type_do_not_match():
    drug = Mention(Span(3, 9), "x", "DRUG")
    assert set(map(tuple, counts([ade(3, 9)], [drug]).values())) == {(0, 1, 1)}


def test_score_spans_is_micro_over_the_corpus():
    gold = {"1": [ade(0, 5)], "2": [ade(3, 8), ade(10, 12)], "3": []}
    pred = {"1": [ade(0, 5)], "2": [ade(4, 9)], "3": [ade(1, 2)]}
    scores = score_spans(gold, pred, task="1b")
    # Relaxed: tp 2, fp 1, fn 1. Strict: tp 1, fp 2, fn 2.
    assert scores.official.relaxed == Score(2 / 3, 2 / 3, 2 / 3, 3, 2, 1, 1)
    assert scores.official.strict == Score(1 / 3, 1 / 3, 1 / 3, 3, 1, 2, 2)


def test_score_spans_becomes_json_of_the_three_numbers():
    scores = score_spans({"1": [ade(0, 5)]}, {}, task="1b")
    three = {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert json.loads(json.dumps(asdict(scores.map(Score.numbers)))) == {
        "official": {"relaxed": three, "strict": three},
        "one_to_one": {"relaxed": three, "strict": three},
    }


def test_count_spans_gives_a_row_to_every_post_in_the_order_of_gold():
    gold = {"b": [ade(0, 5)], "a": [], "c": [ade(1, 2)]}
    rows = count_spans(gold, {"c": [ade(1, 2)], "a": [ade(3, 4)]}, task="1b").official.strict
    assert rows.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]


def test_count_spans_refuses_a_post_that_gold_does_not_have():
    with pytest.raises(DataError, match=r"among the 1 of gold, got post '2' \(1 such\)"):
        count_spans({"1": []}, {"1": [], "2": []}, task="1b")


MENTIONS = st.lists(
    st.builds(
        lambda start, length, concept: ade(start, start + length, concept),
        st.integers(0, 12),
        st.integers(1, 5),
        st.sampled_from(["a", "b"]),
    ),
    max_size=4,
)


def official_by_the_letter(gold: list[Mention], pred: list[Mention]) -> list[int]:
    """The shared task's condition as it is written, over distinct lines."""

    def matches(a: Mention, b: Mention) -> bool:
        overlap = (
            b.span.start <= a.span.start <= b.span.end or a.span.start <= b.span.start <= a.span.end
        )
        return overlap and a.concept_id == b.concept_id

    golds, preds = set(gold), set(pred)
    return [
        sum(matches(g, p) for g in golds for p in preds),
        sum(not any(matches(g, p) for g in golds) for p in preds),
        sum(not any(matches(g, p) for p in preds) for g in golds),
    ]


def greatest_matching(gold: list[Mention], pred: list[Mention]) -> int:
    few, many = sorted([list(dict.fromkeys(gold)), list(dict.fromkeys(pred))], key=len)
    return max(
        sum(
            a.span.overlaps(b.span) and a.concept_id == b.concept_id
            for a, b in zip(few, order, strict=False)
        )
        for order in permutations(many)
    )


@given(MENTIONS, MENTIONS)
def test_scorers_agree_with_their_definitions(gold, pred):
    counted = counts(gold, pred, "1c")
    assert counted["official relaxed"] == official_by_the_letter(gold, pred)
    tp, fp, fn = counted["one-to-one relaxed"]
    assert tp == greatest_matching(gold, pred)
    assert (tp + fp, tp + fn) == (len(set(pred)), len(set(gold)))
    assert counted["one-to-one strict"][0] == len(set(gold) & set(pred))
