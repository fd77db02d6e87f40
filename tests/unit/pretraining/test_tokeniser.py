from __future__ import annotations

from pathlib import Path

import pytest

from smm4h_core.drugs.lexicon import load_lexicon
from smm4h_core.encoders.base import LoadedEncoder
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.pretraining.tokeniser import SPECIAL, build_smiles_tokeniser

PACKAGE = "package:smm4h_core/encoders/smiles"


@pytest.fixture(scope="module")
def packaged() -> LoadedEncoder:
    return load_text_encoder(PACKAGE, pooling="cls")


def pieces(smiles: str) -> list[str]:
    return build_smiles_tokeniser(max_length=256).tokenize(smiles)


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("", []),
        ("CCl", ["C", "Cl"]),
        ("BrC#N", ["Br", "C", "#", "N"]),
        ("C[C@@H](N)O", ["C", "[C@@H]", "(", "N", ")", "O"]),
        ("[N+](=O)[O-]", ["[N+]", "(", "=", "O", ")", "[O-]"]),
        ("F/C=C\\F", ["F", "/", "C", "=", "C", "\\", "F"]),
        ("C%12C%1", ["C", "%12", "C", "%", "1"]),
        ("[Na+].[Cl-]", ["[Na+]", ".", "[Cl-]"]),
        ("[198Au]", ["[", "1", "9", "8", "A", "u", "]"]),
        ("[Co@@H]", ["[", "C", "o", "@@", "H", "]"]),
        ("c1ccc[nH]1", ["c", "1", "c", "c", "c", "[nH]", "1"]),
    ],
)
def test_tokeniser_cuts_atoms_bonds_and_rings(smiles: str, expected: list[str]) -> None:
    assert pieces(smiles) == expected


def test_tokeniser_knows_every_molecule_of_the_lexicon(packaged: LoadedEncoder) -> None:
    smiles = sorted({drug.smiles for drug in load_lexicon().drugs.values() if drug.smiles})
    assert len(smiles) > 5000
    unknown = SPECIAL.index("<unk>")
    encodings = packaged.tokeniser.encode(smiles, max_length=10_000)
    assert [s for s, e in zip(smiles, encodings, strict=True) if unknown in e.input_ids] == []
    for one, encoding in zip(smiles, encodings, strict=True):
        assert "".join(one[start:end] for start, end in encoding.offsets) == one


def test_tokeniser_gives_the_empty_smiles_its_two_ends(packaged: LoadedEncoder) -> None:
    (encoding,) = packaged.tokeniser.encode([""], max_length=256)
    assert encoding.input_ids == [SPECIAL.index("<s>"), SPECIAL.index("</s>")]
    assert not encoding.truncated


def test_tokeniser_cuts_at_the_length_and_says_so(packaged: LoadedEncoder) -> None:
    encodings = packaged.tokeniser.encode(["C" * 254, "C" * 255, "C" * 999], max_length=256)
    assert [len(each.input_ids) for each in encodings] == [256, 256, 256]
    assert [each.truncated for each in encodings] == [False, True, True]
    assert all(each.input_ids[-1] == SPECIAL.index("</s>") for each in encodings)


def test_tokeniser_takes_special_tokens_in_smiles_for_text(packaged: LoadedEncoder) -> None:
    (encoding,) = packaged.tokeniser.encode(["C<mask>C"], max_length=256)
    assert SPECIAL.index("<mask>") not in encoding.input_ids


def test_packaged_files_are_what_the_code_builds(tmp_path: Path) -> None:
    build_smiles_tokeniser(max_length=256).save_pretrained(tmp_path)
    package = Path(__file__).parents[3] / "smm4h_core" / "encoders" / "smiles"
    assert (package / "tokenizer.json").read_text() == (tmp_path / "tokenizer.json").read_text()
