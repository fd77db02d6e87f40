"""``smm4h demo`` from end to end, as ``make demo`` runs it: what it says is there, is there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from smm4h_core.bundle import verify_bundle
from smm4h_core.pipeline import load_pipeline

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[2]


def test_demo_is_the_whole_journey(tmp_path: Path, ray_environment: dict[str, str]) -> None:
    environment = {**os.environ, **ray_environment, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    environment.pop("RAY_ADDRESS", None)
    done = subprocess.run(
        [sys.executable, "-m", "ray_jobs", "demo"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps = re.findall(r"^(\d)\. .+\n   \$ smm4h \w+", done.stdout, re.MULTILINE)
    assert steps == list("12345678")
    assert "SYNTHETIC" in done.stdout
    places = re.findall(r"^   (runs/\S+)  \w", done.stdout, re.MULTILINE)
    assert len(places) == 5
    assert all((tmp_path / place).exists() for place in places)
    result = json.loads((tmp_path / next(p for p in places if p.endswith("json"))).read_text())
    low, high = result["splits"]["test"]["ci95"]["f1"]
    assert low <= result["splits"]["test"]["f1"] <= high

    bundle = tmp_path / places[-1]
    assert verify_bundle(bundle)["languages"] == ["en", "ru"]
    told = re.search(r"(\d+) posts report an effect; (\d+) pairs", done.stdout)
    assert told
    assert int(told[1]) > 0
    assert int(told[2]) > 0
    (report,) = load_pipeline(bundle).process(["seroquel made me sleep 14 hours"], extract_all=True)
    assert report.bundle == "demo@1"
    assert report.mentions
