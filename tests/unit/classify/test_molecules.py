from __future__ import annotations

import numpy as np
import torch

from smm4h_core.classify.molecules import (
    MoleculeTokenTable,
    MoleculeVectorTable,
    PostMolecules,
    choose_molecules,
    read_molecules,
)
from smm4h_core.encoders.base import Encoding
from smm4h_core.types import DrugMention, Span

CPU = torch.device("cpu")


def encoding(*ids: int) -> Encoding:
    return Encoding(list(ids), [(0, 0)] * len(ids), truncated=False)


def named(*smiles: str | None) -> list[DrugMention]:
    return [DrugMention(Span(0, 1), "x", "drug", each) for each in smiles]


def test_choose_molecules_takes_each_once_in_order_of_appearance() -> None:
    drugs = named("CO", None, "CC", "CO")
    assert choose_molecules(drugs, only_first=False, absent="empty") == ("CO", "CC")
    assert choose_molecules(drugs, only_first=True, absent="empty") == ("CO",)


def test_choose_molecules_without_any_reads_the_empty_string_or_nothing() -> None:
    for drugs in ([], named(None)):
        assert choose_molecules(drugs, only_first=False, absent="empty") == ("",)
        assert choose_molecules(drugs, only_first=True, absent="zeros") == ()


def test_read_molecules_reads_each_once_and_the_empty_one_always() -> None:
    asked = []

    def reader(smiles):
        asked.append(list(smiles))
        return MoleculeVectorTable(np.arange(len(smiles), dtype=np.float32)[:, None])

    posts = read_molecules([("CO", "CC"), (), ("CO",)], reader)
    assert asked == [["", "CC", "CO"]]
    assert posts.rows == [[2, 1], [], [2]]
    assert read_molecules([(), ()], reader).batch([0, 1], CPU).vectors.shape == (2, 1, 1)


def test_vector_table_pads_with_zeros_and_says_where() -> None:
    table = MoleculeVectorTable(np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32))
    batch = table.batch([(2, 0), (), (1,)], CPU)
    assert batch.vectors.tolist() == [
        [[5, 6], [1, 2]],
        [[0, 0], [0, 0]],
        [[3, 4], [0, 0]],
    ]
    assert batch.present.tolist() == [[True, True], [False, False], [True, False]]


def test_token_table_encodes_each_distinct_molecule_of_a_batch_once() -> None:
    table = MoleculeTokenTable([encoding(7, 8), encoding(4, 5, 6), encoding(9, 9, 9, 9)], pad_id=1)
    batch = table.batch([(1, 0), (0,), (), (1,)], CPU)
    assert batch.tokens.input_ids.tolist() == [[7, 8, 1], [4, 5, 6]]
    assert batch.present.sum(1).tolist() == [5, 2, 0, 3]
    flat = batch.tokens.input_ids.flatten()
    rows = zip(batch.places, batch.present, strict=True)
    own = [flat[places[there]].tolist() for places, there in rows]
    assert own == [[4, 5, 6, 7, 8], [7, 8], [], [4, 5, 6]]


def test_post_molecules_batch_those_of_the_posts_asked_for() -> None:
    table = MoleculeVectorTable(np.eye(3, dtype=np.float32))
    posts = PostMolecules(table, [(0,), (1, 2), ()])
    assert posts.batch([2, 1], CPU).present.tolist() == [[False, False], [True, True]]


def test_token_table_of_posts_without_molecules_has_nothing_present() -> None:
    table = MoleculeTokenTable([encoding(7, 8)], pad_id=1)
    assert not table.batch([(), ()], CPU).present.any()
