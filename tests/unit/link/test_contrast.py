from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.errors import DataError
from smm4h_core.link.contrast import (
    Anchor,
    ContrastSampler,
    Negatives,
    draw_contrasts,
    mine_negatives,
)
from smm4h_core.link.index import build_term_index
from smm4h_core.link.similarity import (
    Loss,
    SimilarityEncoder,
    Vectors,
    encode_texts,
    info_nce_loss,
    triplet_loss,
)
from smm4h_core.link.terminology import Term, Terminology
from smm4h_core.training.fit import fit
from smm4h_core.training.optimisation import build_schedule

CPU = torch.device("cpu")


def term_anchors(terminology: Terminology) -> list[Anchor]:
    """Every proposed term; in `effects` each has another one of its concept."""
    return [Anchor(each.term, each.concept_id) for each in terminology.proposed_terms]


ANCHORS = (Anchor("head hurts", "C1"), Anchor("tossing all night", "C3"))


@pytest.mark.parametrize("num_negatives", [0, 1, 30])
def test_contrasts_pair_a_positive_of_the_concept_with_negatives_of_others(
    effects: Terminology, num_negatives: int
) -> None:
    terms = effects.proposed_terms
    contrasts = draw_contrasts(
        ANCHORS, terms, hard=None, num_negatives=num_negatives, seed=0, epoch=0
    )
    assert {each.anchor for each in contrasts} == {0, 1}
    for each in contrasts:
        concept_id = ANCHORS[each.anchor].concept_id
        assert terms[each.positive].concept_id == concept_id
        assert all(terms[place].concept_id != concept_id for place in each.negatives)
        assert bool(each.negatives) == bool(num_negatives)
    if num_negatives == 30:
        dealt = [n for each in contrasts if each.anchor == 0 for n in each.negatives]
        assert len(dealt) == 30


def test_contrasts_never_take_the_anchor_s_own_string_for_its_positive(
    effects: Terminology,
) -> None:
    terms = effects.proposed_terms
    anchors = term_anchors(effects)
    contrasts = draw_contrasts(anchors, terms, hard=None, seed=0, epoch=0)
    assert len(contrasts) > len(anchors)
    assert all(terms[each.positive].term != anchors[each.anchor].text for each in contrasts)


def test_contrasts_are_drawn_anew_each_epoch_and_alike_on_each_call(effects: Terminology) -> None:
    def draw(epoch: int) -> object:
        terms = effects.proposed_terms
        return draw_contrasts(term_anchors(effects), terms, hard=None, seed=3, epoch=epoch)

    assert draw(0) == draw(0)
    assert draw(0) != draw(1)


def test_contrasts_want_two_concepts(effects: Terminology) -> None:
    only = [each for each in effects.proposed_terms if each.concept_id == "C1"]
    with pytest.raises(DataError, match="expected terms of two concepts at least"):
        draw_contrasts(ANCHORS[:1], only, hard=None, seed=0, epoch=0)


def test_mined_negatives_hold_the_concepts_ranked_above_the_gold_one() -> None:
    names = ["gold", "nearer", "nearer too", "farther", "anchor"]
    ids = ["G", "N", "N", "F", "S"]
    terms = [Term(c, name, "lay", "en") for c, name in zip(ids, names, strict=True)]
    at = {"anchor": 0.0, "nearer": 1.0, "nearer too": 1.5, "gold": 2.0, "farther": 3.0}

    def encode(texts):
        return np.array([[at[text], 0.0] for text in texts], dtype=np.float32)

    (mined,) = mine_negatives([Anchor("anchor", "G")], terms, encode=encode)

    # "nearer too" is of a concept already there, "anchor" is the anchor's own string.
    assert [names[place] for place in mined] == ["nearer", "farther"]


def test_mining_looks_beyond_a_concept_of_many_terms() -> None:
    # All of its own terms are nearer than any other concept's.
    own = [Term("C1", f"own {n}", "synonym", "en") for n in range(40)]
    others = [Term(f"D{n}", f"other {n}", "preferred", "en") for n in range(3)]

    def encode(texts: Sequence[str]) -> Vectors:
        far = [[float(not text.startswith("own")), len(text) / 100] for text in texts]
        return np.array(far, dtype=np.float32)

    (found,) = mine_negatives(
        [Anchor("own", "C1")], [*own, *others], encode=encode, num_negatives=2
    )
    assert len(found) == 2
    assert min(found) >= len(own)


@pytest.mark.parametrize(("loss", "negatives"), [("triplet", "hard"), ("info_nce", "uniform")])
def test_similarity_encoder_learns_its_mentions_by_heart(
    tiny_bert: Path, synthetic: Terminology, loss: Loss, negatives: Negatives
) -> None:
    torch.manual_seed(0)
    loaded = load_text_encoder(str(tiny_bert), pooling="mean")
    network = SimilarityEncoder(loaded.encoder, unit_length=True)
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    chosen = sorted({each.concept_id for each in synthetic.proposed_terms})[:16]
    terms = [each for each in synthetic.proposed_terms if each.concept_id in chosen]
    anchors = [Anchor(chr(97 + n) * 3, each) for n, each in enumerate(chosen)]

    def encode(texts: Sequence[str]) -> Vectors:
        return encode_texts(network, loaded.tokeniser, texts, max_length=64, device=CPU)

    sampler = ContrastSampler(
        anchors,
        terms,
        loaded.tokeniser,
        negatives=negatives,
        num_positives=3,
        num_negatives=8 if loss == "triplet" else 0,
        batch_contrasts=48,
        device=CPU,
        encode=encode,
    )
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)

    def accuracy(_: object) -> float:
        index = build_term_index(terms, encode([each.term for each in terms]))
        found = index.link(encode([each.text for each in anchors]), num_candidates=1)
        hits = [f[0].concept_id == a.concept_id for f, a in zip(found, anchors, strict=True)]
        return sum(hits) / len(hits)

    assert accuracy(None) < 0.5
    result = fit(
        network,
        draw_batches=sampler.batches,
        loss_of=partial(triplet_loss, margin=0.5) if loss == "triplet" else info_nce_loss,
        evaluate=accuracy,
        optimiser=optimiser,
        schedule=build_schedule(optimiser, schedule="constant", warmup_fraction=0, num_steps=1),
        epochs=60,
        device=CPU,
    )
    assert result.score >= 0.95


def test_sampler_adds_terms_drawn_anew_each_epoch(tiny_bert: Path, effects: Terminology) -> None:
    loaded = load_text_encoder(str(tiny_bert), pooling="mean")
    network = SimilarityEncoder(loaded.encoder)
    sampler = ContrastSampler(
        ANCHORS,
        effects.proposed_terms,
        loaded.tokeniser,
        negatives="hard",
        num_positives=1,
        num_negatives=3,
        num_term_anchors=4,
        term_epochs=1,
        batch_contrasts=4,
        device=CPU,
        encode=partial(encode_texts, network, loaded.tokeniser, max_length=64, device=CPU),
    )
    epochs = [list(sampler.batches(epoch)) for epoch in (1, 1, 2, 0)]
    names = [[name for batch in epoch for name in batch.post_ids] for epoch in epochs]
    assert names[0] == names[1]
    assert sorted(names[0]) != sorted(names[2])
    mentions = {each.text for each in ANCHORS}
    assert mentions < set(names[0])
    assert not mentions & set(names[3])  # the first epoch is of terms alone
    assert [sampler.num_batches(n) for n in (1, 1, 2, 0)] == [len(each) for each in epochs]
    first = epochs[0][0]
    assert first.negatives.shape == (4, 3)
    own = first.concepts[first.anchors]
    assert (first.concepts[first.positives] == own).all()
    assert (first.concepts[first.negatives] != own[:, None]).all()
