import numpy as np
import pytest
from rdkit import Chem

from benchmarks.molecules import DESCRIPTORS, areas_of_drugs, r2_with_interval, share_with_interval


def test_r2_is_1_for_the_truth_0_for_the_mean_and_its_interval_holds_it() -> None:
    gold = np.arange(50.0)
    exact = r2_with_interval(gold, gold)
    assert (exact.value, exact.interval) == (1.0, (1.0, 1.0))
    assert r2_with_interval(gold, np.full(50, gold.mean())).value == pytest.approx(0.0)
    noisy = r2_with_interval(gold, gold + np.random.default_rng(0).normal(0, 5, 50))
    low, high = noisy.interval
    assert low < noisy.value < high < 1


def test_difference_of_an_estimate_to_itself_is_certain() -> None:
    counts = np.array([[1.0, 1.0], [0.0, 3.0]] * 20)
    share = share_with_interval(counts)
    assert share.value == 0.25
    assert share.interval[0] < 0.25 < share.interval[1]
    none = share.less(share_with_interval(counts.copy()))  # the same drugs are drawn
    assert (none.value, none.interval) == (0.0, (0.0, 0.0))


def test_areas_are_the_tables_of_the_curation() -> None:
    areas = areas_of_drugs()
    assert len(areas) > 500
    assert {"psychiatry", "infections"} < set(areas.values())
    assert len(set(areas.values())) == 7


def test_descriptors_are_those_of_the_molecule() -> None:
    aspirin = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")
    found = {name: descriptor(aspirin) for name, descriptor in DESCRIPTORS.items()}
    expected = {"logP": 1.31, "TPSA": 63.6, "aromatic rings": 1, "weight": 180.042}
    assert found == pytest.approx(expected, abs=0.01)
