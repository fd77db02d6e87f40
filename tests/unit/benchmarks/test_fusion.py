from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.fusion import ROWS, app
from benchmarks.runs import config_path
from smm4h_core.config import read_config


@pytest.mark.parametrize("corpus", ROWS)
def test_rows_of_a_corpus_answer_the_same_posts_and_begin_with_text_alone(corpus: str) -> None:
    configs = [read_config(config_path(name)) for name in ROWS[corpus]]
    assert configs[0].network.fusion == "text"
    assert len({config.data.test for config in configs}) == 1
    assert len({config.ensemble.seeds for config in configs}) == 1
    assert {config.data.folds for config in configs} == {configs[0].data.folds}


def test_every_embedded_row_with_molecules_is_in_a_table() -> None:
    configs = map(read_config, Path("tune_configs/embedded").glob("*.yaml"))
    embedded = {
        config.name
        for config in configs
        if config.task in ("1a", "2") and config.encoder.adapter is None
    }
    in_tables = {name for names in ROWS.values() for name in names}
    assert in_tables <= embedded
    assert embedded - in_tables == {"demo", "demo_text", "ade2_text"}


def test_missing_rows_are_told_with_the_command_that_makes_them(tmp_path: Path) -> None:
    ended = CliRunner().invoke(
        app, ["--only", "psytar", "--set", f"storage={tmp_path}", "--out", str(tmp_path)]
    )
    assert ended.exit_code == 1
    for name in ROWS["psytar"]:
        assert f"smm4h train tune_configs/embedded/{name}.yaml" in ended.stderr
