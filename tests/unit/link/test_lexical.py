import numpy as np
import pytest

from smm4h_core.errors import DataError
from smm4h_core.link.lexical import LexicalLinker, build_lexical_linker, stem_key
from smm4h_core.link.terminology import Terminology


@pytest.fixture(scope="module")
def linker(effects: Terminology) -> LexicalLinker:
    return build_lexical_linker(effects)


def first(linker: LexicalLinker, mention: str) -> tuple[str, str] | None:
    (found,) = linker.link([mention])
    return (found[0].concept_id, found[0].source) if found else None


@pytest.mark.parametrize(
    ("mention", "concept_id", "source"),
    [
        ("HEADACHE", "C1", "exact"),
        ("can\u2019t  sleep", "C3", "exact"),
        ("headaches", "C1", "normalised"),
        ("pain, head", "C1", "normalised"),
        ("голова болит", "C1", "normalised"),
        ("gained weight", "C4", "ngram"),
        ("тошнит", "C2", "ngram"),
    ],
)
def test_lexical_linker_finds_by_the_strictest_kind(
    linker: LexicalLinker, mention: str, concept_id: str, source: str
) -> None:
    assert first(linker, mention) == (concept_id, source)


def test_lexical_linker_keeps_every_source_of_a_candidate(linker: LexicalLinker) -> None:
    (found,) = linker.link(["Headache"])
    assert [each.source for each in found[0].found_by] == ["exact", "normalised", "ngram"]
    assert found[0].found_by[2].score == pytest.approx(1.0)


@pytest.mark.parametrize("mention", ["", "   ", "…", "🙂"])
def test_lexical_linker_answers_nothing_where_there_is_nothing(
    linker: LexicalLinker, mention: str
) -> None:
    assert linker.link([mention]) == [()]


def test_lexical_linker_reads_long_mentions_and_no_absurd_ones(linker: LexicalLinker) -> None:
    assert first(linker, "headache " * 111)[0] == "C1"
    assert linker.link(["headache " * 1111]) == [()]


def test_lexical_linker_answers_alike_alone_and_among_others(synthetic: Terminology) -> None:
    linker = build_lexical_linker(synthetic)
    mentions = [each.term[1:-1] for each in synthetic.proposed_terms[:300]]
    together = linker.link(mentions, num_candidates=5)
    assert together == [linker.link([mention], num_candidates=5)[0] for mention in mentions]
    assert max(map(len, together)) == 5


def test_lexical_linker_proposes_no_term_that_is_not_current(effects: Terminology) -> None:
    linker = build_lexical_linker(effects)
    (found,) = linker.link(["Head complaint"])
    assert "C5" not in {each.concept_id for each in found}


def test_lexical_linker_of_one_language_knows_its_terms_alone(effects: Terminology) -> None:
    linker = build_lexical_linker(effects, lang="ru")
    assert linker.link_exact("тошнота")
    assert not linker.link_exact("nausea")


def test_greatest_cosines_are_each_concept_s_best_term(linker: LexicalLinker) -> None:
    cosines = linker.greatest_cosines(["head pain", ""], ["C2", "C1", "C5"])
    assert cosines.shape == (2, 3)
    assert cosines[0, 1] == pytest.approx(1.0)
    assert cosines[0, 0] < 0.5
    assert not cosines[1].any()
    assert not cosines[:, 2].any()
    assert cosines.dtype == np.float32


def test_stem_key_forgets_order_endings_and_repeats() -> None:
    assert stem_key("Dry mouths, dry") == stem_key("mouth dry")


def test_build_lexical_linker_refuses_a_language_without_terms(synthetic: Terminology) -> None:
    with pytest.raises(DataError, match="expected terms to link to, got none in language ru"):
        build_lexical_linker(synthetic, lang="ru")
