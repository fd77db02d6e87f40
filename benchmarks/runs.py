"""The three corpora's runs: their configurations, and what they left behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.section import BenchmarkError
from smm4h_core.config import RunConfig, config_from_mapping, read_config, training_digest
from smm4h_core.members.comparison import CONFIG, RESULT
from smm4h_core.storage import Storage, open_storage

CORPORA = {"psytar_text": "PsyTAR", "ade2_text": "ADE-Corpus", "rudrec_text": "RuDReC"}
"""Run names and what their corpora are called."""
CONFIGS = Path("tune_configs/embedded")


def config_path(name: str) -> Path:
    """Where a run's configuration lies, from the project's root."""
    return CONFIGS / f"{name}.yaml"


def finished_run(name: str, overrides: Sequence[str] = ()) -> tuple[RunConfig, Storage]:
    """Find a run that is trained and joined, with ``key.path=value`` over its configuration.

    Raises:
        BenchmarkError: it is not, or was trained under another configuration than today's.
    """
    config = read_config(config_path(name), overrides)
    run = open_storage(config.storage).child(config.name)
    command = f"make it with: smm4h train {config_path(name)}"
    if not run.exists(RESULT):
        raise BenchmarkError(f"{config.storage}/{name}: no finished run; {command}")
    stored = config_from_mapping(run.read_json(CONFIG), source=f"{name}/{CONFIG}")
    if _digests(stored) != _digests(config):
        raise BenchmarkError(
            f"{config.storage}/{name}: trained under another configuration than "
            f"{config_path(name)} now holds; delete it, then {command}"
        )
    return config, run


def _digests(config: RunConfig) -> list[str]:
    return [training_digest(config, part) for part in config.parts]
