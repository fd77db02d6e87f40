from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow.fs import LocalFileSystem

from smm4h_core.classify.ensemble import MeanProb
from smm4h_core.classify.probability import Prob
from smm4h_core.errors import DataError
from smm4h_core.members import comparison, ensemble
from smm4h_core.members.comparison import compare_answers, read_run
from smm4h_core.members.ensemble import Ensemble, Gathered, write_ensemble
from smm4h_core.storage import Storage

GOLD = [True] * 10 + [False] * 10


def write_run(
    folder: Path, prob: list[float], *, order: list[int] | None = None, **changed: Any
) -> Storage:
    places = order or list(range(len(GOLD)))
    gathered = Gathered(
        split="test",
        post_ids=tuple(str(place) for place in places),
        groups=tuple(None for _ in places),
        gold=np.array([changed.get("gold", GOLD)[place] for place in places]),
        probs=Prob(np.array([[prob[place]] * 2 for place in places])),
    )
    run = Storage(LocalFileSystem(), str(folder))
    write_ensemble(Ensemble((0, 2), MeanProb((0.5, 0.5)), (gathered,)), run)
    path = changed.get("path", "corpus/train")
    extra = [{"path": changed.get("extra", "corpus/extra")}]
    data = {"train": [{"path": path}], "extra": extra, "dev": [], "test": [{"path": "corpus/test"}]}
    run.write_json("config.json", {"name": folder.name, "data": data})
    return run


def perfect() -> list[float]:
    return [0.9] * 10 + [0.1] * 10


def test_comparison_and_ensemble_name_the_same_files() -> None:
    assert (comparison.ANSWERS, comparison.RESULT) == (ensemble.ANSWERS, ensemble.RESULT)


def test_read_run_reads_what_a_run_wrote(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "a", perfect(), path="sample:en/train"), "test")

    assert (run.name, run.num_members, run.synthetic) == ("a", 2, True)
    assert run.gold.tolist() == run.pred.tolist() == GOLD
    assert run.scores["f1"] == 1.0
    assert not read_run(write_run(tmp_path / "b", perfect()), "test").synthetic
    extra = write_run(tmp_path / "c", perfect(), extra="sample:en/train")
    assert read_run(extra, "test").synthetic


def test_read_run_says_which_splits_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected answers on oof, got test alone"):
        read_run(write_run(tmp_path / "a", perfect()), "oof")


def test_read_run_says_that_a_run_is_not_finished(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"result.json: no such file"):
        read_run(Storage(LocalFileSystem(), str(tmp_path)), "test")


def test_compare_answers_pairs_posts_whatever_their_order(tmp_path: Path) -> None:
    half = [0.9] * 5 + [0.1] * 15
    base = read_run(write_run(tmp_path / "a", half), "test")
    same = read_run(write_run(tmp_path / "b", half, order=list(range(20))[::-1]), "test")
    better = read_run(write_run(tmp_path / "c", perfect()), "test")

    assert compare_answers(base, same).permutation_p == 1.0
    compared = compare_answers(base, better)
    assert compared.difference == pytest.approx(1 - 2 / 3)
    assert compared.permutation_p < 0.1


def test_compare_answers_refuses_other_posts_and_other_gold(tmp_path: Path) -> None:
    base = read_run(write_run(tmp_path / "a", perfect()), "test")
    fewer = read_run(write_run(tmp_path / "b", perfect(), order=list(range(19))), "test")
    other = read_run(write_run(tmp_path / "c", perfect(), gold=[True] * 11 + [False] * 9), "test")

    with pytest.raises(DataError, match=r"a and b: .* got 20 and 19, of which 19 are shared"):
        compare_answers(base, fewer)
    with pytest.raises(DataError, match=r"a and c: .* 1 post\(s\) differ"):
        compare_answers(base, other)
