import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import typer

from benchmarks import __main__ as main
from benchmarks.reach import judge
from benchmarks.section import BenchmarkError, Section


def run_parts(monkeypatch: pytest.MonkeyPatch, folder: Path, *, absent: bool) -> dict[str, object]:
    speed = Section(
        "Speed", ("who", "x"), (("a", "7"),), {"x": 7}, verdicts=(judge("training.padded", 7.0),)
    )

    def measure(name: str) -> Section:
        if absent and name != "training_speed":
            raise BenchmarkError(f"{name}: no run")
        return speed

    monkeypatch.setattr(
        main, "import_module", lambda n: SimpleNamespace(measure=lambda: measure(n.split(".")[1]))
    )
    # The machine's threads are set for all of this process.
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    try:
        main.benchmarks(out=folder)
        status = 0
    except typer.Exit as stop:
        status = stop.exit_code
    return {"status": status, **json.loads((folder / main.FILE).read_text())}


def test_benchmarks_measures_every_usual_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = run_parts(monkeypatch, tmp_path / "out", absent=False)

    assert answer["status"] == 0
    assert list(answer["measured"]) == list(main.USUAL)
    assert answer["reach"][0]["reached"] is True
    assert "### Reach" in capsys.readouterr().out


def test_benchmarks_goes_on_without_a_part_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = run_parts(monkeypatch, tmp_path, absent=True)

    assert answer["status"] == 1
    assert list(answer["measured"]) == ["training_speed"]
    assert answer["errors"]["results"] == ["results: no run"]
    assert "ray_overhead: no run" in capsys.readouterr().err


def test_benchmarks_tells_nothing_of_whose_machine_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import platform

    machine = run_parts(monkeypatch, tmp_path, absent=False)["machine"]

    assert platform.node() not in json.dumps(machine)
    assert str(Path.home()) not in json.dumps(machine)
    assert machine["cores"] >= 1


def test_benchmarks_takes_pairs_for_the_drug_of_a_mention_alone(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="only drug_of reads pairs"):
        main.benchmarks(only="results", out=tmp_path, pairs=tmp_path / "DRUG-AE.rel")
    assert not (tmp_path / main.FILE).exists()
