from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.errors import DataError
from smm4h_core.link.classifier import ConceptClassifier
from smm4h_core.link.combine import DistanceRule, LearnedRule, LinkRule
from smm4h_core.link.features import FEATURES
from smm4h_core.link.index import build_term_index
from smm4h_core.link.lexical import build_lexical_linker
from smm4h_core.link.linker import ConceptMembers, MentionLinker, SimilarMember
from smm4h_core.link.similarity import SimilarityEncoder, encode_texts
from smm4h_core.link.terminology import Term, Terminology

CPU = torch.device("cpu")
CONCEPTS, NAMES = ("C3", "C4"), ("Insomnia", "Increased body weight")


@pytest.fixture(scope="module")
def make(tiny_bert: Path, effects: Terminology):
    """Makes linkers of a random encoder and a classifier that says weight gain, more or less."""
    torch.manual_seed(0)
    loaded = load_text_encoder(str(tiny_bert), pooling="mean")
    network = SimilarityEncoder(loaded.encoder, unit_length=True).eval()
    terms = effects.proposed_terms
    vectors = encode_texts(
        network, loaded.tokeniser, [term.term for term in terms], max_length=64, device=CPU
    )
    concepts = ConceptClassifier(loaded.encoder, num_concepts=2).eval()
    with torch.no_grad():
        concepts.head.weight.zero_()
        concepts.head.bias.copy_(torch.tensor([0.0, 2.0]))  # probs 0.12 and 0.88
    lexical = build_lexical_linker(effects)

    def make(rule: LinkRule, num_members: int = 1) -> MentionLinker:
        return MentionLinker(
            terminology=effects,
            rule=rule,
            tokeniser=loaded.tokeniser,
            max_length=64,
            precision="fp32",
            similarity=(SimilarMember(network, build_term_index(terms, vectors)),) * num_members,
            classifier=ConceptMembers(
                (concepts,) * num_members, CONCEPTS, NAMES, True, None, "fp32"
            ),
            lexical=lexical,
        )

    return make


def test_linker_links_a_term_to_its_concept(make, effects: Terminology) -> None:
    linker = make(DistanceRule(0.05))
    links = linker.link([term.term for term in effects.proposed_terms], device=CPU)
    assert [each.concept_id for each in links] == [t.concept_id for t in effects.proposed_terms]
    assert {each.source for each in links} == {"similarity"}
    assert links[0].name == "Headache"


def test_linker_asks_the_classifier_where_nothing_is_near(make) -> None:
    linker = make(DistanceRule(0.0, nil_distance=0.0, nil_prob=0.5))
    (link,) = linker.link(["the scales"], ["my scales broke"], device=CPU)
    assert (link.concept_id, link.source) == ("C4", "classifier")
    said = linker.explain("the scales", "my scales broke", device=CPU)
    assert said.startswith("C4: by the classifier")
    unsure = make(DistanceRule(0.0, nil_distance=0.0, nil_prob=0.9))
    (link,) = unsure.link(["the scales"], device=CPU)
    assert (link.concept_id, link.source) == (None, "nil")


def test_linker_of_equal_members_answers_as_one_of_them(make) -> None:
    rule = DistanceRule(0.5)
    mentions = ["head pan", "gain weight", ""]
    one, three = (make(rule, n).link(mentions, device=CPU) for n in (1, 3))
    assert [each.concept_id for each in one] == [each.concept_id for each in three]
    assert [e.score for e in one] == pytest.approx([e.score for e in three])


@pytest.mark.parametrize(
    "rule", [DistanceRule(9.0), LearnedRule((1.0,) * len(FEATURES), 0.0)], ids=["paper", "learned"]
)
def test_linker_gives_every_mention_a_link_however_bad(make, rule: LinkRule) -> None:
    linker = make(rule)
    bad = ["", "  \n", "headache", "ache " * 2000, "\ud800", "…", "🙂" * 300, "頭痛", "x" * 10_000]
    links = linker.link(bad, device=CPU)
    assert [each.source == "nil" for each in links[:3]] == [True, True, False]
    assert links[2].concept_id == "C1"
    assert len(links) == len(bad)
    assert linker.explain("", device=CPU) == "NIL: nothing was proposed"
    assert linker.link([], device=CPU) == []


def test_linker_answers_alike_alone_and_among_others(make, effects: Terminology) -> None:
    linker = make(LearnedRule((1.0,) * len(FEATURES), -1.0, 0.6))
    mentions = [term.term[1:] for term in effects.proposed_terms] + ["", "qq"]
    together = linker.link(mentions, device=CPU)
    alone = [linker.link([mention], device=CPU)[0] for mention in mentions]
    assert [each.concept_id for each in together] == [each.concept_id for each in alone]
    assert [e.score for e in together] == pytest.approx([e.score for e in alone], abs=1e-4)


def test_linker_reads_a_mention_again_in_another_post(make) -> None:
    linker = make(DistanceRule(0.0))
    (network,) = linker.classifier.networks
    torch.manual_seed(1)
    head = torch.nn.Linear(network.head.in_features, 2)
    before, network.head = network.head, head
    try:
        mentions, posts = ["ache"] * 3, ["it was new", "old and so far away", "it was new"]
        together = [each.classifier for each in linker.propose(mentions, posts, device=CPU)]
        (alone,) = linker.propose(mentions[1:2], posts[1:2], device=CPU)
    finally:
        network.head = before
    assert together[0] == together[2]
    assert abs(together[0][0].score - together[1][0].score) > 1e-4
    assert [each.score for each in together[1]] == pytest.approx(
        [each.score for each in alone.classifier], abs=1e-5
    )


def test_linker_refuses_an_index_of_another_terminology(make) -> None:
    linker = make(DistanceRule(1.0))
    index = build_term_index([Term("Z", "z", "lay", "en")], np.zeros((1, 4), dtype=np.float32))
    with pytest.raises(DataError, match="expected concepts of effects@1, got 'Z'"):
        replace(linker, similarity=(replace(linker.similarity[0], index=index),))
    with pytest.raises(DataError, match="contexts: expected 1, got 2"):
        linker.link(["x"], ["a", "b"], device=CPU)
