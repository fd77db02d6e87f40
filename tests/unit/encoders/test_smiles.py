"""The packaged molecule encoder: what lies in the folder, and that it was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import RobertaForMaskedLM

from smm4h_core.drugs.molecules import encode_molecules
from smm4h_core.encoders.identity import encoder_folder
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.pretraining.batches import Alphabet, examination
from smm4h_core.pretraining.evaluate import commonest_token, masked_accuracy, unigram_accuracy
from smm4h_core.pretraining.molecules import read_molecules
from smm4h_core.pretraining.network import MoleculePretrainer
from smm4h_core.pretraining.tokeniser import SPECIAL

URI = "package:smm4h_core/encoders/smiles"


@pytest.fixture(scope="module")
def folder() -> Path:
    return encoder_folder(URI)


def test_packaged_encoder_is_small_and_loads_like_any_other(folder: Path) -> None:
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 10_000_000
    loaded = load_text_encoder(URI, pooling="cls")
    assert (loaded.encoder.hidden_size, loaded.encoder.max_length) == (256, 256)
    assert {p.dtype for p in loaded.encoder.parameters()} == {torch.float32}


def test_packaged_encoder_restores_hidden_tokens_of_drugs_it_never_saw(folder: Path) -> None:
    loaded = load_text_encoder(URI)
    held_out = read_molecules(wheel=None, max_drugs=600, held_out=0.1).held_out
    exam = examination(
        held_out,
        loaded.tokeniser,
        Alphabet(SPECIAL.index("<mask>"), len(SPECIAL), 204),
        max_length=256,
        batch_tokens=4096,
        share=0.15,
        seed=0,
    )
    model = RobertaForMaskedLM.from_pretrained(folder, dtype=torch.float32)
    network = MoleculePretrainer(model, fingerprint_bits=0).eval()
    accuracy = masked_accuracy(network, exam, device=torch.device("cpu"))
    commonest = commonest_token(held_out, loaded.tokeniser)
    assert accuracy > 0.7 > 3 * unigram_accuracy(exam, commonest=commonest)


def test_packaged_encoder_puts_like_molecules_near_each_other() -> None:
    pairs = {  # two benzodiazepines, two statins, two opioids
        "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21": "O=C1Nc2ccc(Cl)cc2C(c2ccccc2)=NC1O",
        "CCC(C)(C)C(=O)O[C@H]1C[C@@H](C)C=C2C=C[C@H](C)[C@H](CC[C@@H]3C[C@@H](O)CC(=O)O3)[C@H]21": (
            "CC[C@H](C)C(=O)O[C@H]1C[C@@H](C)C=C2C=C[C@H](C)[C@H](CC[C@@H]3C[C@@H](O)CC(=O)O3)[C@H]21"
        ),
        "CN1CC[C@]23c4c5ccc(O)c4O[C@H]2[C@@H](O)C=C[C@H]3[C@H]1C5": (
            "COc1ccc2c3c1O[C@H]1[C@@H](O)C=C[C@H]4[C@@H](C2)N(C)CC[C@]314"
        ),
    }
    vectors = encode_molecules([*pairs, *pairs.values()], uri=URI).vectors
    ours = np.stack([vectors[each] for each in pairs])
    theirs = np.stack([vectors[each] for each in pairs.values()])
    distances = np.linalg.norm(ours[:, None] - theirs[None], axis=-1)  # (3, 3)
    assert distances.argmin(1).tolist() == [0, 1, 2]
