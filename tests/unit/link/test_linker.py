from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.errors import DataError
from smm4h_core.link.candidates import rank_scored
from smm4h_core.link.classifier import ConceptAnswer
from smm4h_core.link.combine import DistanceRule, LearnedRule, LinkRule
from smm4h_core.link.features import FEATURES
from smm4h_core.link.index import build_term_index
from smm4h_core.link.lexical import build_lexical_linker
from smm4h_core.link.linker import MentionLinker
from smm4h_core.link.similarity import SimilarityEncoder, Vectors, encode_texts
from smm4h_core.link.terminology import Term, Terminology


def classify(mentions: Sequence[str], contexts: Sequence[str | None]) -> list[ConceptAnswer]:
    """Weight gain, the surer where the post says so."""
    probs = [0.9 if context and "scales" in context else 0.2 for context in contexts]
    scored = [rank_scored([("C4", "weight gain", prob)], "classifier") for prob in probs]
    assert all(mentions)
    return [ConceptAnswer(each, each[0].score, each[0].score) for each in scored]


@pytest.fixture(scope="module")
def make(tiny_bert: Path, effects: Terminology):
    loaded = load_text_encoder(str(tiny_bert), pooling="mean")
    network = SimilarityEncoder(loaded.encoder, unit_length=True)

    def encode(texts: Sequence[str]) -> Vectors:
        device = torch.device("cpu")
        return encode_texts(network, loaded.tokeniser, texts, max_length=64, device=device)

    terms = effects.proposed_terms
    index = build_term_index(terms, encode([term.term for term in terms]))
    lexical = build_lexical_linker(effects)

    def make(rule: LinkRule) -> MentionLinker:
        return MentionLinker(effects, rule, index, encode, classify, lexical)

    return make


def test_linker_links_a_term_to_its_concept(make, effects: Terminology) -> None:
    linker = make(DistanceRule(0.05))
    links = linker.link([term.term for term in effects.proposed_terms])
    assert [each.concept_id for each in links] == [t.concept_id for t in effects.proposed_terms]
    assert {each.source for each in links} == {"similarity"}
    assert links[0].name == "Headache"


def test_linker_asks_the_classifier_where_nothing_is_near(make) -> None:
    linker = make(DistanceRule(0.0, nil_distance=0.0, nil_prob=0.5))
    links = linker.link(["the scales", "the scales"], ["my scales broke", None])
    assert [(each.concept_id, each.source) for each in links] == [
        ("C4", "classifier"),
        (None, "nil"),
    ]
    assert linker.explain("the scales", "my scales broke").startswith("C4: by the classifier")


@pytest.mark.parametrize(
    "rule", [DistanceRule(9.0), LearnedRule((1.0,) * len(FEATURES), 0.0)], ids=["paper", "learned"]
)
def test_linker_gives_every_mention_a_link_however_bad(make, rule: LinkRule) -> None:
    linker = make(rule)
    bad = ["", "  \n", "headache", "ache " * 2000, "\ud800", "…", "🙂" * 300, "頭痛", "x" * 10_000]
    links = linker.link(bad)
    assert [each.source == "nil" for each in links[:3]] == [True, True, False]
    assert links[2].concept_id == "C1"
    assert len(links) == len(bad)
    assert linker.explain("") == "NIL: nothing was proposed"
    assert linker.link([]) == []


def test_linker_answers_alike_alone_and_among_others(make, effects: Terminology) -> None:
    linker = make(LearnedRule((1.0,) * len(FEATURES), -1.0, 0.6))
    mentions = [term.term[1:] for term in effects.proposed_terms] + ["", "qq"]
    together = linker.link(mentions)
    alone = [linker.link([mention])[0] for mention in mentions]
    assert [each.concept_id for each in together] == [each.concept_id for each in alone]
    assert [e.score for e in together] == pytest.approx([e.score for e in alone], abs=1e-4)


def test_linker_refuses_an_index_of_another_terminology(make, effects: Terminology) -> None:
    index = build_term_index([Term("Z", "z", "lay", "en")], np.zeros((1, 4), dtype=np.float32))
    with pytest.raises(DataError, match="expected concepts of effects@1, got 'Z'"):
        MentionLinker(effects, DistanceRule(1.0), index, lambda _: np.zeros((1, 4), np.float32))
    with pytest.raises(DataError, match="contexts: expected 1, got 2"):
        make(DistanceRule(1.0)).link(["x"], ["a", "b"])
