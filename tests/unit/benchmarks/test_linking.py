import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import linking, linking_baselines, runs
from benchmarks.linking import measure_corpus
from benchmarks.linking_baselines import BASELINES
from benchmarks.linking_index import measure_approximate, measure_index
from ray_jobs.run import run_training
from smm4h_core.config import RunConfig, read_config
from smm4h_core.encoders.base import LoadedEncoder
from smm4h_core.encoders.load import load_text_encoder
from tests.unit.linking import build_linking


@pytest.fixture(scope="module")
def loaded(tiny_bert: Path) -> LoadedEncoder:
    return load_text_encoder(str(tiny_bert), pooling="mean")


@pytest.fixture
def config(tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    """A run whose YAML lies where benchmarks look for runs."""
    made = build_linking(tmp_path, tiny_bert)(name="psytar_link", ensemble={"seeds": [0]})
    path = tmp_path / "psytar_link.yaml"
    path.write_text(json.dumps(made.model_dump(mode="json")))
    monkeypatch.setattr(runs, "CONFIGS", tmp_path)
    monkeypatch.setattr(linking_baselines, "find_spec", lambda _name: None)
    return read_config(path)


def test_measure_corpus_sets_a_finished_run_beside_its_baselines(config: RunConfig) -> None:
    before = measure_corpus(config)
    assert before.ours is None
    assert any("make it with: smm4h train" in line for line in before.missing)
    assert any("rapidfuzz: expected the package rapidfuzz" in line for line in before.missing)
    by_name = {each.name: each.scores for each in before.baselines}
    assert len(by_name) == 2 * (len(BASELINES) - 1)
    assert by_name["exact match"].all.acc_1 == 0.0
    assert by_name["exact match, training mentions as terms"].all.acc_1 == 0.875
    assert before.gold.num_unknown == 1

    result = run_training(config, inline=True).result
    after = measure_corpus(config)
    assert after.ours is not None
    stored = result["splits"]["test"]["linking"]["combined"]
    assert after.ours.scores.all.acc_1 == stored["all"]["acc_1"] == 0.875
    assert after.ours.scores.all.mrr == stored["all"]["mrr"]


def test_linking_table_names_parts_and_judges_targets(
    config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_training(config, inline=True)
    monkeypatch.setattr(linking, "CORPORA", {"psytar_link": "Tiny"})
    section = linking.measure()
    who = [row[1] for row in section.rows]
    assert [each for each in who if each.startswith("ours")] == [
        "ours, similarity alone",
        "ours, classifier alone",
        "ours, lexical alone",
        "ours, combined",
    ]
    assert {len(row) for row in section.rows} == {len(section.headings)}
    reached = {each.name: each.reached for each in section.verdicts}
    assert reached["psytar_link.acc_1"]
    assert not reached["psytar_link.unseen"]
    assert "of 1 the terminology lacks the concept" in section.notes[-1]


def test_measure_index_counts_what_it_built(tmp_path: Path, loaded: LoadedEncoder) -> None:
    table = tmp_path / "terms.tsv"
    lines = [f"C{n}\tterm number {n}" for n in range(50)]
    table.write_text("concept_id\tterm\n" + "\n".join(lines) + "\n", encoding="utf-8")

    section, vectors = measure_index(table, loaded)

    assert vectors.shape == (50, 32)
    assert section.data["terms"] == 50
    assert all(value > 0 for name, value in section.data.items() if "taken" not in name)


def test_measure_approximate_compares_with_flat_search() -> None:
    vectors = np.random.default_rng(0).normal(size=(100, 16)).astype(np.float32)
    section = measure_approximate(vectors, number=4000)
    assert section.data["recall@10 of flat"] > 0.9
    assert section.data["probes, chosen by measuring"] <= section.data["clusters"]
