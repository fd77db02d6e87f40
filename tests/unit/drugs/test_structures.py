import pytest

from smm4h_core.drugs.structures import choose_active, choose_by_formula, formula_of

METFORMIN = "CN(C)C(=N)N=C(N)N"
DICLOFENAC = "O=C(O)Cc1ccccc1Nc1c(Cl)cccc1Cl"
# As the open dictionary has ibuprofen: phenacetin, a stimulant, aspirin, caffeine and an acid.
NOT_IBUPROFEN = (
    "CCOC1=CC=C(C=C1)NC(=O)C.CC(C(C1=CC=CC=C1)O)N(C)C/C=C/C2=CC=CC=C2."
    "CC(=O)OC1=CC=CC=C1C(=O)O.CN1C=NC2=C1C(=O)N(C(=O)N2C)C.Cl"
)


@pytest.mark.parametrize(
    ("smiles", "active"),
    [
        (f"{METFORMIN}.Cl", METFORMIN),
        (f"{METFORMIN}.{METFORMIN}.OS(=O)(=O)O", METFORMIN),
        ("O=C([O-])Cc1ccccc1Nc1c(Cl)cccc1Cl.[Na+]", DICLOFENAC),
        (f"{DICLOFENAC}.OCCN1CCCC1", DICLOFENAC),
        ("CN1CC[C@@H](C1)O.OC(=O)/C=C/C(=O)O.O.O", "CN1CC[C@H](O)C1"),
        ("CCC[NH3+].[O-]S(=O)(=O)c1ccccc1", "CCCN"),
    ],
)
def test_choose_active_takes_salts_and_solvents_away(smiles: str, active: str) -> None:
    chosen = choose_active(smiles)
    assert (chosen.smiles, chosen.verdict) == (active, "salt stripped")


@pytest.mark.parametrize(
    ("smiles", "canonical"),
    [("C1=CC=CC=C1O", "Oc1ccccc1"), ("[Li+]", "[Li+]"), ("C[N+](C)(C)CCO", "C[N+](C)(C)CCO")],
)
def test_choose_active_keeps_a_single_molecule_even_if_salts_use_it(
    smiles: str, canonical: str
) -> None:
    chosen = choose_active(smiles)
    assert (chosen.smiles, chosen.verdict) == (canonical, "single")


@pytest.mark.parametrize(
    ("smiles", "verdict"),
    [
        (NOT_IBUPROFEN, "mixture"),
        ("c1ccccc1O.CCCN.Cl", "mixture"),
        # The largest of two is not taken: bisacodyl came with tannic acid, twice its size.
        ("CCCCCCCCCCN.CCCN", "mixture"),
        ("OC(=O)CC(O)(CC(=O)O)C(=O)O.[Na+]", "mixture"),
        ("[Na+].[Cl-]", "inorganic"),
        ("N.N.C1CC(C1)(C(=O)[O-])C(=O)[O-].[Pt+2]", "metal complex"),
        ("C1CC1(", "broken"),
        ("C(C)(C)(C)(C)C", "broken"),
        ("", "broken"),
        # RDKit's parser overflowed the stack, which no one can catch.
        ("C" * 20_000, "too long"),
    ],
)
def test_choose_active_says_why_there_is_no_molecule(smiles: str, verdict: str) -> None:
    chosen = choose_active(smiles)
    assert (chosen.smiles, chosen.verdict) == (None, verdict)


def test_choose_active_lets_rdkit_say_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    choose_active("C1CC1(")
    choose_active("C(C)(C)(C)(C)C")
    assert capfd.readouterr() == ("", "")


def test_choose_by_formula_takes_the_one_fragment_that_fits() -> None:
    assert choose_by_formula(NOT_IBUPROFEN, "C8H10N4O2") == "Cn1c(=O)c2c(ncn2C)n(C)c1=O"
    assert choose_by_formula(NOT_IBUPROFEN, "C13H18O2") is None
    assert choose_by_formula("CCCO.CCOC", "C3H8O") is None
    assert choose_by_formula("C1CC1(", "C3H8O") is None


def test_formula_of_counts_hydrogens_and_charge() -> None:
    assert formula_of("CC(=O)Nc1ccc(O)cc1") == "C8H9NO2"
    assert formula_of("C[n+]1cccc(OC(=O)N(C)C)c1") == "C9H13N2O2+"
    with pytest.raises(ValueError, match="expected SMILES that RDKit parses"):
        formula_of("C1CC1(")
