from pathlib import Path
from typing import Any

import pytest
from pyarrow.fs import LocalFileSystem

from benchmarks import ray_overhead
from benchmarks.ray_overhead import finish_s, measure, split_overhead
from benchmarks.section import BenchmarkError
from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.members.train import member_storage, members_of
from smm4h_core.storage import Storage


def test_finish_s_gives_the_next_member_to_the_first_free_place() -> None:
    assert finish_s([3.0, 1.0, 1.0, 2.0], 2) == 4.0
    assert finish_s([3.0, 1.0], 1) == 4.0
    assert finish_s([3.0, 1.0], 5) == 3.0


def test_split_overhead_parts_the_uneven_end_from_ray() -> None:
    timing = {"wall_s": 24.0, "member_s": 30.0, "num_workers": 2}

    overhead = split_overhead(timing, [10.0, 10.0, 10.0])

    assert overhead.total == pytest.approx(24 / 15 - 1)
    assert overhead.uneven_end == pytest.approx(20 / 15 - 1)
    assert overhead.ray == pytest.approx(4 / 15)
    assert split_overhead(timing, None).ray is None


def timed_run(folder: Path, *, member_s: float, num_trained: int = 3) -> tuple[RunConfig, Storage]:
    config = config_from_mapping(
        {
            "name": folder.name,
            "task": "1a",
            "data": {"train": [{"path": "x"}], "dev": [{"path": "y"}]},
            "encoder": {"uri": "x"},
            "training": {"epochs": 1, "learning_rate": 1e-3},
            "ensemble": {"seeds": [0, 2, 3]},
        }
    )
    run = Storage(LocalFileSystem(), str(folder))
    for member in members_of(config):
        member_storage(run, member).write_json("member.json", {"life_s": member_s})
    run.write_json(
        "timing.json",
        {
            "num_trained": num_trained,
            "num_workers": 2,
            "wall_s": 2 * member_s + 10,
            "member_s": num_trained * member_s,
        },
    )
    return config, run


def patched(monkeypatch: pytest.MonkeyPatch, runs: dict[str, tuple[RunConfig, Storage]]) -> None:
    def find(name: str) -> Any:
        if name not in runs:
            raise BenchmarkError(f"{name} is missing")
        return runs[name]

    monkeypatch.setattr(ray_overhead, "finished_run", find)


def test_measure_judges_runs_of_long_members_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patched(
        monkeypatch,
        {
            "psytar_text": timed_run(tmp_path / "short", member_s=10.0),
            "ade2_text": timed_run(tmp_path / "long", member_s=100.0),
        },
    )

    section = measure()

    (verdict,) = section.verdicts
    assert verdict.measured == pytest.approx(210 / 150 - 1)
    assert section.data["ade2_text"]["uneven_end"] == pytest.approx(200 / 150 - 1)
    assert section.missing == ("rudrec_text is missing",)
    assert any(note.startswith("psytar_text: members of less") for note in section.notes)


def test_measure_does_not_guess_where_a_call_trained_only_some_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = timed_run(tmp_path / "resumed", member_s=100.0, num_trained=2)
    patched(monkeypatch, {"ade2_text": run})

    section = measure()

    assert section.rows[0][-2:] == ("unknown", "unknown")
    assert section.data["ade2_text"]["total"] == pytest.approx(210 / 100 - 1)


def test_measure_names_every_run_when_all_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    patched(monkeypatch, {})

    with pytest.raises(BenchmarkError, match=r"psytar_text is missing\nade2_text is missing"):
        measure()
