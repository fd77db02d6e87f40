from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from smm4h_core.drugs import molecules
from smm4h_core.drugs.molecules import encode_molecules, parse_smiles
from smm4h_core.errors import EncoderError
from smm4h_core.pretraining.network import build_pretrainer, save_encoder
from smm4h_core.pretraining.tokeniser import build_smiles_tokeniser
from smm4h_core.storage import Storage, open_storage

ASPIRIN, ETHANOL = "CC(=O)Oc1ccccc1C(=O)O", "CCO"
MANY = ("", ETHANOL, ASPIRIN, "CN1CCC[C@H]1c1cccnc1", "C" * 40, "[Li+].[Cl-]", "c1ccccc1")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random encoder of 32 dimensions that reads 48 tokens."""
    folder = tmp_path_factory.mktemp("smiles")
    files = build_smiles_tokeniser(max_length=48)
    torch.manual_seed(0)
    network = build_pretrainer(
        num_tokens=len(files),
        hidden_size=32,
        num_layers=2,
        num_heads=2,
        intermediate_size=64,
        max_length=48,
        dropout=0.0,
        fingerprint_bits=0,
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    save_encoder(network, files, folder)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "cache"))


def encode(smiles: object, encoder: Path, **options: object) -> molecules.MoleculeVectors:
    return encode_molecules(smiles, uri=str(encoder), **{"max_length": 48, **options})


@pytest.fixture
def nothing_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(uri: str, **_: object) -> None:
        raise AssertionError(f"{uri} was loaded")

    monkeypatch.setattr(molecules, "load_text_encoder", refuse)


def test_parse_smiles_gives_one_canonical_form_or_none(capfd: pytest.CaptureFixture[str]) -> None:
    assert {parse_smiles(each) for each in ("OCC", "C(C)O", "CCO")} == {"CCO"}
    assert parse_smiles("") == ""
    broken = ("C(", "not a molecule", "c1ccc", "C[C@@@H]", "N(C)(C)(C)(C)C", "\x00", "лекарство")
    assert [parse_smiles(each) for each in broken] == [None] * len(broken)
    assert capfd.readouterr() == ("", "")


def test_parse_smiles_does_not_crash_on_a_chain_that_overflows_rdkit() -> None:
    assert parse_smiles("C" * 20_000) is None


def test_encode_molecules_gives_one_vector_a_molecule(encoder: Path) -> None:
    answer = encode(["OCC", ASPIRIN, "CCO", "", "OCC"], encoder)
    assert set(answer.vectors) == {"OCC", "CCO", ASPIRIN, ""}
    assert answer.vectors["OCC"] is answer.vectors["CCO"]
    assert answer.num_encoded == 3
    assert answer.size == 32
    assert {(row.shape, row.dtype.name) for row in answer.vectors.values()} == {((32,), "float32")}
    for smiles in ("CCO", ASPIRIN):
        assert np.abs(answer.vectors[""] - answer.vectors[smiles]).max() > 0.01


def test_encode_molecules_says_which_smiles_are_broken(encoder: Path) -> None:
    answer = encode(["C(", ETHANOL, "xyz", "C("], encoder)
    assert answer.unparsable == ("C(", "xyz")
    assert answer.num_unparsable == 2
    assert set(answer.vectors) == {ETHANOL}


@pytest.mark.usefixtures("nothing_loads")
def test_encode_molecules_knows_its_size_without_a_molecule(encoder: Path) -> None:
    answer = encode([], encoder)
    assert (answer.size, dict(answer.vectors), answer.num_encoded) == (32, {}, 0)


def test_encode_molecules_of_one_equals_many_in_any_order(encoder: Path) -> None:
    together = encode(MANY, encoder).vectors
    backwards = encode(MANY[::-1], encoder).vectors
    for smiles in MANY:
        alone = encode([smiles], encoder).vectors[smiles]
        np.testing.assert_allclose(together[smiles], alone, rtol=0, atol=1e-5)
        np.testing.assert_array_equal(together[smiles], backwards[smiles])


def test_encode_molecules_is_the_state_at_position_0(encoder: Path) -> None:
    from transformers import AutoTokenizer, RobertaForMaskedLM

    model = RobertaForMaskedLM.from_pretrained(encoder, dtype=torch.float32).eval()
    ids = AutoTokenizer.from_pretrained(encoder)(ASPIRIN, return_tensors="pt").input_ids
    with torch.inference_mode():
        expected = model.roberta(input_ids=ids).last_hidden_state[0, 0].numpy()
    found = encode([*MANY, ASPIRIN], encoder).vectors[ASPIRIN]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_encode_molecules_says_whose_end_was_not_read(encoder: Path, cache: Storage) -> None:
    long = "C" * 47
    for _ in range(2):  # the second answer comes from the cache
        assert encode([long, "C" * 46, ETHANOL], encoder, cache=cache).truncated == (long,)


def test_encode_molecules_takes_the_cache_without_loading(
    encoder: Path, cache: Storage, request: pytest.FixtureRequest
) -> None:
    first = encode(MANY, encoder, cache=cache)
    request.getfixturevalue("nothing_loads")
    again = encode(reversed(MANY), encoder, cache=cache)
    assert (first.num_encoded, again.num_encoded) == (len(MANY), 0)
    for smiles in MANY:
        np.testing.assert_array_equal(first.vectors[smiles], again.vectors[smiles])


def test_encode_molecules_encodes_only_what_the_cache_lacks(encoder: Path, cache: Storage) -> None:
    encode(MANY[:3], encoder, cache=cache)
    assert encode(MANY, encoder, cache=cache).num_encoded == len(MANY) - 3
    assert encode(MANY, encoder, cache=cache).num_encoded == 0


def test_encode_molecules_keeps_encoders_of_one_name_apart(
    encoder: Path, cache: Storage, tmp_path: Path
) -> None:
    other = shutil.copytree(encoder, tmp_path / "other")
    before = encode([ETHANOL], other, cache=cache).vectors[ETHANOL]
    weights = other / "model.safetensors"
    save_file({k: -v for k, v in load_file(weights).items()}, weights, {"format": "pt"})
    after = encode([ETHANOL], other, cache=cache)
    assert after.num_encoded == 1
    assert np.abs(after.vectors[ETHANOL] - before).max() > 0.01
    assert encode([ETHANOL], other, cache=cache, max_length=8).num_encoded == 1
    assert encode([ETHANOL], encoder, cache=cache).num_encoded == 0  # the first files, elsewhere


def test_encode_molecules_makes_damaged_entries_anew(encoder: Path, cache: Storage) -> None:
    first = encode(MANY, encoder, cache=cache)
    (path,) = Path(cache.root).rglob("*.safetensors")
    whole = path.read_bytes()
    for damaged in (whole[:-7], whole[:-1] + bytes([whole[-1] ^ 1]), b""):
        path.write_bytes(damaged)
        again = encode(MANY, encoder, cache=cache)
        assert again.num_encoded == len(MANY)
        assert path.read_bytes() == whole
        np.testing.assert_array_equal(first.vectors[ASPIRIN], again.vectors[ASPIRIN])


def test_encode_molecules_vectors_cannot_be_changed(encoder: Path, cache: Storage) -> None:
    for options in ({}, {"cache": cache}):
        row = encode([ETHANOL], encoder, **options).vectors[ETHANOL]
        with pytest.raises(ValueError, match="read-only"):
            row[0] = 1.0


def test_encode_molecules_refuses_more_tokens_than_the_encoder_reads(encoder: Path) -> None:
    with pytest.raises(EncoderError, match=r"reads at most 48 .* asks for 49"):
        encode([ETHANOL], encoder, max_length=49)


def test_encode_molecules_refuses_an_encoder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="no such folder"):
        encode([ETHANOL], tmp_path / "nowhere")


@pytest.mark.usefixtures("nothing_loads")
def test_fingerprints_are_substructures_as_0_and_1() -> None:
    answer = encode_molecules(["", ETHANOL, "OCC", ASPIRIN, "C("], uri="morgan:256")
    assert answer.size == 256
    assert answer.unparsable == ("C(",)
    assert set(np.unique(np.stack(list(answer.vectors.values())))) == {0.0, 1.0}
    assert answer.vectors[""].sum() == 0
    np.testing.assert_array_equal(answer.vectors[ETHANOL], answer.vectors["OCC"])
    assert answer.vectors[ETHANOL].sum() < answer.vectors[ASPIRIN].sum()
    assert encode_molecules([], uri="morgan:2048").size == 2048


@pytest.mark.parametrize(
    "uri", ["morgan:", "morgan:0", "morgan:-8", "morgan:many", "morgan:9999999"]
)
def test_fingerprints_need_a_number_of_bits(uri: str) -> None:
    with pytest.raises(EncoderError, match=r"expected morgan:<bits>"):
        encode_molecules([ETHANOL], uri=uri)
