from pathlib import Path

import pytest

from benchmarks.member_memory import measure, measure_members
from smm4h_core.errors import BundleError


def test_members_that_share_nothing_take_their_number(tiny_bundle: Path) -> None:
    one, two = (measure_members(tiny_bundle, number) for number in (1, 2))
    assert 0 < one.weights_mib < two.weights_mib <= 2 * one.weights_mib
    assert min(one.resident_mib, two.resident_mib) > 0
    section = measure([tiny_bundle])
    assert [row[:2] for row in section.rows] == [("tiny", "2")]
    assert section.verdicts == ()


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such file"):
        measure_members(tmp_path, 1)
