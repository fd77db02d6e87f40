"""One local Ray for the session, and a run so small that a member trains in a second or two."""

from __future__ import annotations

import itertools
import logging
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smm4h_core.config import RunConfig, config_from_mapping
from tests.integration.head import address, environment

__all__ = ["address", "environment"]

LIMIT_S = 600
"""Seconds after which a test that hangs fails; the slowest takes about 70 on two cores."""

DRUGS = ("aspirin", "lyrica", "prozac", "xanax", "humira", "zyban")
EFFECTS = ("hives", "nightmares", "tremor", "nausea")
FRAMES = {True: "{drug} gave me awful {effect}", False: "no {effect} at all , {drug} is fine"}


@pytest.fixture(autouse=True)
def _no_hanging() -> Iterator[None]:
    """Nothing may hang: a test that does is a failed test."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"the test was still running after {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LIMIT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def ray_folder() -> Iterator[Path]:
    """A folder for Ray, under /tmp because paths of its sockets hold no more than 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="smm4h-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def ray_environment(ray_folder: Path) -> dict[str, str]:
    """What every Ray of these tests is started with: a token of its own, quick health checks."""
    token = ray_folder / "token"
    token.touch(0o600)
    token.write_text(secrets.token_hex(32))
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",
        "RAY_USAGE_STATS_ENABLED": "0",
        # Ray's workers are nice by default: on a busy machine they would get no time at all.
        "RAY_worker_niceness": "0",
    }


@pytest.fixture(scope="session")
def ray_local(ray_folder: Path, ray_environment: dict[str, str]) -> Iterator[None]:
    """Two cores and no GPU; runs find it and leave it running."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        for name, value in ray_environment.items():
            patch.setenv(name, value)
        import ray

        ray.init(
            address="local",
            num_cpus=2,
            num_gpus=0,
            include_dashboard=False,
            object_store_memory=80 << 20,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=str(ray_folder / "local"),
        )
        yield
        ray.shutdown()


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of 32 dimensions that knows the words of `corpus`."""
    from tests.tiny_bert import save_tiny_bert

    folder = tmp_path_factory.mktemp("tiny-bert")
    words = {word for frame in FRAMES.values() for word in frame.split() if "{" not in word}
    return save_tiny_bert(folder, (*sorted(words), *DRUGS, *EFFECTS), max_position_embeddings=32)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 posts in three splits; half of them report an effect."""
    root = tmp_path_factory.mktemp("corpus")
    posts = [
        (f"{split}-{drug}-{effect}-{int(label)}", FRAMES[label].format(drug=drug, effect=effect))
        for (split, drugs), effect, label in itertools.product(
            (("train", DRUGS[:3]), ("dev", DRUGS[3:5]), ("test", DRUGS[5:])), EFFECTS, FRAMES
        )
        for drug in drugs
    ]
    for split in ("train", "dev", "test"):
        rows = [f"{i}\t{text}\t{'ADE' if i[-1] == '1' else 'NoADE'}" for i, text in posts]
        chosen = [row for row in rows if row.startswith(split)]
        table = "\n".join(["tweet_id\ttweet\tlabel", *chosen]) + "\n"
        (root / f"{split}.tsv").write_text(table)
    return root


@pytest.fixture(scope="session")
def make_config(
    tiny_bert: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., RunConfig]:
    """Makes runs of two members that learn the corpus; keyword arguments add to sections."""

    def make(name: str, **sections: dict[str, Any]) -> RunConfig:
        settings: dict[str, Any] = {
            "data": {
                "root": str(corpus),
                **{split: [{"path": f"{split}.tsv"}] for split in ("train", "dev", "test")},
            },
            "encoder": {"uri": str(tiny_bert), "max_length": 16},
            "training": {
                "epochs": 16,
                "learning_rate": 3e-3,
                "batch_posts": 8,
                "precision": "fp32",
            },
            "ensemble": {"seeds": [0, 1], "rule": "mean"},
        }
        for section, keys in sections.items():
            settings[section] = {**settings.get(section, {}), **keys}
        storage = str(tmp_path_factory.mktemp("runs"))
        return config_from_mapping({"name": name, "task": "1a", "storage": storage, **settings})

    return make
