import csv
import json
from pathlib import Path

import numpy as np
import pytest
from pyarrow.fs import LocalFileSystem

from smm4h_core.classify.ensemble import MeanProb
from smm4h_core.classify.probability import Prob
from smm4h_core.members.comparison_table import HEADINGS
from smm4h_core.members.ensemble import Ensemble, Gathered, write_ensemble
from smm4h_core.storage import Storage

GOLD = np.array([True] * 20 + [False] * 20)


def write_run(
    folder: Path, probs: np.ndarray, path: str = "corpus/train", first_id: int = 0
) -> Path:
    gathered = Gathered(
        split="test",
        post_ids=tuple(map(str, range(first_id, first_id + len(GOLD)))),
        groups=(None,) * len(GOLD),
        gold=GOLD,
        probs=Prob(np.stack([probs, np.where(np.arange(len(GOLD)) == 0, 0.1, probs)], axis=1)),
    )
    run = Storage(LocalFileSystem(), str(folder))
    write_ensemble(Ensemble((0, 2), MeanProb((0.5, 0.5)), (gathered,)), run)
    data = {"train": [{"path": path}], "dev": [], "test": []}
    run.write_json("config.json", {"name": folder.name, "data": data})
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    good = np.where(GOLD, 0.95, 0.1)
    poor = np.where(np.arange(len(GOLD)) % 3 == 0, 1 - good, good)
    return (
        write_run(tmp_path / "poor", poor),
        write_run(tmp_path / "good", good, path="sample:en/train"),
    )


def test_compare_prints_json_against_the_first_run(smm4h, runs: tuple[Path, Path]) -> None:
    ended = smm4h("compare", *runs, "--json")

    assert ended.code == 0
    answered = json.loads(ended.out)
    poor, good = answered["runs"]
    assert (answered["split"], answered["baseline"]) == ("test", "poor")
    assert (poor["run"], poor["synthetic"], poor["against_baseline"]) == ("poor", False, None)
    assert (good["run"], good["synthetic"]) == ("good", True)
    assert good["against_baseline"]["difference"] == pytest.approx(good["f1"] - poor["f1"])
    assert good["against_baseline"]["permutation_p"] < 0.05
    assert good["members"]["num_members"] == 2


def test_compare_takes_another_baseline(smm4h, runs: tuple[Path, Path]) -> None:
    ended = smm4h("compare", *runs, "--baseline", runs[1], "--json")

    answered = json.loads(ended.out)
    assert answered["baseline"] == "good"
    assert answered["runs"][0]["against_baseline"]["difference"] < 0


def test_compare_prints_markdown_and_marks_synthetic_runs(smm4h, runs: tuple[Path, Path]) -> None:
    ended = smm4h("compare", *runs, "--markdown")

    title, _, header, rule, poor, good, _, note = ended.out.splitlines()
    assert title == "test: 40 posts (20 ADE), baseline poor"
    assert header == "| " + " | ".join(HEADINGS) + " |"
    assert rule.count("---") == len(HEADINGS) == 8
    assert poor.startswith("| poor | 2 | ")
    perfect = "1.000 [1.000, 1.000]"
    cells = ["good *", "2", "0.987 ± 0.018", *[perfect] * 3]
    assert good.startswith(f"| {' | '.join(cells)} | +0.")
    assert "synthetic" in note


def test_compare_prints_a_table(smm4h, runs: tuple[Path, Path]) -> None:
    ended = smm4h("compare", *runs)

    assert "test: 40 posts (20 ADE), baseline poor" in ended.out
    assert "good *" in ended.out


def test_compare_leaves_out_the_note_where_no_run_is_synthetic(
    smm4h, runs: tuple[Path, Path]
) -> None:
    assert "synthetic" not in smm4h("compare", runs[0], "--markdown").out


def test_compare_holds_each_corpus_against_its_own_first_run(
    smm4h, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    other = write_run(tmp_path / "other", np.where(GOLD, 0.9, 0.2), first_id=100)
    better = write_run(tmp_path / "better", np.where(GOLD, 0.9, 0.1), first_id=100)
    answered = json.loads(smm4h("compare", *runs, other, better, "--json").out)
    assert [run["baseline"] for run in answered["runs"]] == ["poor", "poor", "other", "other"]
    assert answered["runs"][2]["against_baseline"] is None
    assert answered["runs"][3]["against_baseline"]["difference"] == 0
    ended = smm4h("compare", *runs, other, "--baseline", runs[0])
    assert ended.code == 1
    assert "expected answers on the same posts" in ended.err


def test_compare_refuses_runs_that_share_some_posts(
    smm4h, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    other = write_run(tmp_path / "other", np.where(GOLD, 0.9, 0.2), first_id=20)
    ended = smm4h("compare", *runs, other)
    assert ended.code == 1
    assert "of which 20 are shared" in ended.err


def test_compare_saves_markdown_csv_and_picture(
    smm4h, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "saved" / "here"
    ended = smm4h("compare", *runs, "--out", out)
    assert ended.code == 0
    assert (out / "comparison.md").read_text() == smm4h("compare", *runs, "--markdown").out
    poor, good = csv.DictReader((out / "comparison.csv").read_text().splitlines())
    assert (poor["run"], poor["difference"], good["baseline"]) == ("poor", "", "poor")
    assert float(good["difference"]) == pytest.approx(float(good["f1"]) - float(poor["f1"]))
    assert float(good["f1_low"]) == 1.0
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_compare_fails_on_a_folder_that_is_no_run(
    smm4h, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    ended = smm4h("compare", runs[0], tmp_path)

    assert ended.code == 1
    assert "result.json: no such file" in ended.err


def test_compare_refuses_wrong_use(smm4h, runs: tuple[Path, Path]) -> None:
    assert smm4h("compare", *runs, "--json", "--markdown").code == 2
    assert smm4h("compare", runs[0], "--baseline", runs[1]).code == 2
    assert smm4h("compare", *runs, "--split", "train").code == 2
    assert smm4h("compare").code == 2
