import gc

import pytest

from ray_jobs.collection import collecting_later


def test_collecting_later_spares_what_was_made_inside() -> None:
    before = gc.get_freeze_count()
    with collecting_later():
        assert not gc.isenabled()
        kept = [[] for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(kept)
    gc.unfreeze()


def test_collecting_later_leaves_the_collector_as_it_was() -> None:
    with pytest.raises(KeyError), collecting_later():
        raise KeyError
    assert gc.isenabled()
    gc.disable()
    try:
        with collecting_later():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()
