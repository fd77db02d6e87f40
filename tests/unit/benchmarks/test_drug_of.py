from pathlib import Path

import numpy as np
import pytest

from benchmarks.drug_of import answer_nearest, answer_nearest_list, measure, score_texts
from benchmarks.drug_of_fit import WEIGHTS, app, fit_weights
from benchmarks.drug_pairs import PairedText, read_drug_ae, read_own_posts
from smm4h_core.drugs.finder import DrugFinder, load_finder
from smm4h_core.errors import DataError

SENTENCES = (
    "Rash due to lithium; lithium was stopped and the rash, unlike nausea on clozapine, cleared.",
    "Seizures with zzmycin and clozapine.",
)


@pytest.fixture(scope="module")
def finder() -> DrugFinder:
    return load_finder()


@pytest.fixture
def relations(tmp_path: Path) -> Path:
    """Lines of the true form, whose offsets are those of an abstract."""
    first, second = SENTENCES
    lines = [
        relation(first, "Rash", 0, "lithium", 0),
        relation(first, "rash", 0, "lithium", 1),
        relation(first, "nausea", 0, "clozapine", 0),
        relation(second, "Seizures", 0, "zzmycin", 0),
        relation(second, "Seizures", 0, "clozapine", 0),
    ]
    path = tmp_path / "DRUG-AE.rel"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def relation(sentence: str, effect: str, nth_effect: int, drug: str, nth_drug: int) -> str:
    def place(quoted: str, number: int) -> int:
        at = -1
        for _ in range(number + 1):
            at = sentence.index(quoted, at + 1)
        return 700 + at

    cells = ["1234", sentence]
    for quoted, number in ((effect, nth_effect), (drug, nth_drug)):
        start = place(quoted, number)
        cells += [quoted, str(start), str(start + len(quoted))]
    return "|".join(cells)


def test_read_drug_ae_joins_a_sentence_s_pairs_and_adds_what_the_finder_finds(
    relations: Path, finder: DrugFinder
) -> None:
    first, second = read_drug_ae(relations, finder)
    assert [first.text, second.text] == list(SENTENCES)
    assert [drug.text for drug in first.drugs] == ["lithium", "lithium", "clozapine"]
    lithium, _, clozapine = (frozenset({drug.name}) for drug in first.drugs)
    named = {first.text[span.start : span.end]: names for span, names in first.effects}
    assert named == {"Rash": lithium, "rash": lithium, "nausea": clozapine}
    # The finder knows no zzmycin; the file does.
    ((_, names),) = second.effects
    assert names == {"zzmycin", "clozapine"}
    assert (first.group, first.has_several) == ("1234", True)


def test_read_drug_ae_says_which_line_does_not_fit(tmp_path: Path, finder: DrugFinder) -> None:
    path = tmp_path / "pairs.rel"
    path.write_text("1|Rash on lithium.|Rash|5|9|lithium|13\n")
    with pytest.raises(DataError, match=r"pairs.rel:1: expected pmid\|sentence"):
        read_drug_ae(path, finder)
    path.write_text("1|Rash on lithium.|rash|5|9|lithium|13|20\n")
    with pytest.raises(DataError, match=r"pairs.rel:1: expected 'rash' and 'lithium' in its"):
        read_drug_ae(path, finder)


def test_own_posts_are_split_and_say_what_they_hold() -> None:
    fit, held = read_own_posts("fit"), read_own_posts("held_out")
    assert {each.text for each in fit}.isdisjoint(each.text for each in held)
    both = [*fit, *held]
    for lang, least in (("en", 200), ("ru", 100)):
        posts = [each for each in both if each.lang == lang]
        assert len(posts) >= least
        assert sum(each.has_several for each in posts) >= len(posts) / 2
    for each in both:
        assert all(each.text[d.span.start : d.span.end] == d.text for d in each.drugs)


def test_read_own_posts_refuses_an_effect_of_a_drug_that_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / "posts.tsv"
    path.write_text("post_id\tlang\ttone\tsplit\tpost\n1\ten\tsocial\tfit\t[a:x] {b:rash}\n")
    with pytest.raises(DataError, match=r"posts.tsv:2: expected drugs, and effects of them"):
        read_own_posts("fit", path)


def test_measure_scores_the_rule_beside_the_nearest_drug(relations: Path) -> None:
    section = measure(relations)
    assert [row[0].partition(":")[0] for row in section.rows] == [
        *("own posts, English", "own posts, Russian", "DRUG-AE.rel")
    ]
    found = section.data["DRUG-AE.rel"]
    assert (found["texts"], found["effects"], found["share_of_effects"]) == (2, 4, 1.0)
    # Of "Seizures" the nearest drug alone is half of what is right; of the second rash it is wrong.
    assert found["rules"]["nearest"]["exact"] == 0.5
    assert found["rules"]["nearest"]["recall"] == 0.6
    assert found["rules"]["list"]["exact"] == 0.75


def test_score_texts_of_one_drug_each_has_nothing_to_score() -> None:
    single = [each for each in read_own_posts("fit") if not each.has_several][:3]
    assert score_texts(single)["rules"] == {}


def test_nearest_answers_differ_by_the_list() -> None:
    posts = [*read_own_posts("fit"), *read_own_posts("held_out")]
    text = next(each for each in posts if "combo" in each.text)
    assert answer_nearest(text) == [frozenset("a")]
    assert answer_nearest_list(text) == [frozenset("ab")]


def test_fitted_weights_are_the_packaged_ones(tmp_path: Path) -> None:
    app(["--out", str(tmp_path / "w.tsv")], standalone_mode=False)
    assert (tmp_path / "w.tsv").read_bytes() == WEIGHTS.read_bytes()


def test_fit_weights_prefers_what_is_right() -> None:
    choice = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1.0, 0.0])
    first, second = fit_weights([choice] * 20)
    assert first > 0.5 > second


def test_paired_text_knows_whether_it_names_several() -> None:
    (one,) = [each for each in read_own_posts("fit") if each.text_id == "en-social-001"]
    assert isinstance(one, PairedText)
    assert not one.has_several
