from __future__ import annotations

import pytest
import torch

from smm4h_core.encoders._huggingface import HuggingFaceTokeniser
from smm4h_core.encoders.base import TokenBatch, Tokeniser
from smm4h_core.pretraining.batches import (
    Alphabet,
    EpochBatches,
    MaskedBatch,
    examination,
    mask_tokens,
)
from smm4h_core.pretraining.molecules import MoleculeSource, read_molecules
from smm4h_core.pretraining.tokeniser import build_smiles_tokeniser

ALPHABET = Alphabet(mask_id=4, first_id=5, num_tokens=204)


@pytest.fixture(scope="module")
def tokeniser() -> Tokeniser:
    return HuggingFaceTokeniser(build_smiles_tokeniser(max_length=128))


@pytest.fixture(scope="module")
def epoch_batches(tokeniser: Tokeniser) -> EpochBatches:
    return make_epoch_batches(tokeniser, max_length=128)


def make_epoch_batches(tokeniser: Tokeniser, *, max_length: int) -> EpochBatches:
    molecules = read_molecules(wheel=None, max_drugs=150, held_out=0.1)
    source = MoleculeSource(molecules, drug_share=1.0, randomise=0.5, fingerprint_bits=32, seed=0)
    return EpochBatches(
        source,
        tokeniser,
        ALPHABET,
        max_length=max_length,
        batch_tokens=512,
        steps=12,
        masked_share=0.15,
        fingerprint_bits=32,
        seed=0,
    )


def restored(batch: MaskedBatch) -> torch.Tensor:
    """The ids before masking."""
    ids = batch.shown.input_ids
    return ids.flatten().scatter(0, batch.places, batch.tokens).view_as(ids)


def test_masking_hides_a_share_in_bert_s_proportions() -> None:
    ids = torch.randint(5, 204, (200, 500), generator=torch.Generator().manual_seed(1))
    ids[:, 0], ids[:, -2], ids[:, -1] = 0, 2, 1
    batch = TokenBatch(ids, ids != 1)
    shown, places, tokens = mask_tokens(
        batch, ALPHABET, share=0.15, generator=torch.Generator().manual_seed(0)
    )
    assert len(places) / (200 * 497) == pytest.approx(0.15, abs=0.005)
    assert torch.equal(tokens, ids.flatten()[places])
    put = shown.input_ids.flatten()[places]
    assert float((put == 4).float().mean()) == pytest.approx(0.8, abs=0.01)
    assert float((put == tokens).float().mean()) == pytest.approx(0.1, abs=0.01)
    assert bool(((put >= 5) & (put < 204) | (put == 4)).all())
    untouched = torch.ones(ids.numel(), dtype=torch.bool)
    untouched[places] = False
    assert torch.equal(shown.input_ids.flatten()[untouched], ids.flatten()[untouched])
    assert bool((tokens >= 5).all())  # ends and padding are never asked for


def test_epoch_is_the_same_on_every_call_and_new_in_the_next(epoch_batches: EpochBatches) -> None:
    first, again, other = (list(epoch_batches(epoch)) for epoch in (1, 1, 2))
    assert len(first) == len(again) == len(other) == 12
    for one, two in zip(first, again, strict=True):
        assert one.post_ids == two.post_ids
        assert torch.equal(one.shown.input_ids, two.shown.input_ids)
        assert torch.equal(one.places, two.places)
        assert torch.equal(one.substructures, two.substructures)
    assert [batch.post_ids for batch in first] != [batch.post_ids for batch in other]


def test_epoch_keeps_the_budget_and_says_what_it_holds(
    epoch_batches: EpochBatches, tokeniser: Tokeniser
) -> None:
    for batch in epoch_batches(0):
        assert batch.shown.input_ids.numel() <= 512
        assert batch.substructures.shape == (len(batch.post_ids), 32)
        whole = restored(batch)
        encodings = tokeniser.encode(batch.post_ids, max_length=128)
        for row, encoding in zip(whole.tolist(), encodings, strict=True):
            assert row[: len(encoding.input_ids)] == encoding.input_ids
        assert batch.substructures.sum(1).min() > 0


def test_epoch_has_all_its_steps_though_molecules_are_cut_short(tokeniser: Tokeniser) -> None:
    assert len(list(make_epoch_batches(tokeniser, max_length=8)(0))) == 12


def test_examination_asks_each_molecule_the_same_every_time(tokeniser: Tokeniser) -> None:
    smiles = ["CCO", "", "c1ccccc1C(=O)O" * 3, "CCN"]
    options = {"max_length": 128, "batch_tokens": 64, "share": 0.5, "seed": 0}
    first, again = (examination(smiles, tokeniser, ALPHABET, **options) for _ in range(2))
    assert sorted(one for batch in first for one in batch.post_ids) == sorted(smiles)
    assert len(first) > 1
    for one, two in zip(first, again, strict=True):
        assert torch.equal(one.shown.input_ids, two.shown.input_ids)
        assert torch.equal(one.tokens, two.tokens)
