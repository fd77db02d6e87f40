from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smm4h_core.errors import ConfigError
from smm4h_core.pretraining.config import (
    MoleculeRunConfig,
    molecule_config_from_mapping,
    pretraining_digest,
    read_molecule_config,
)

MINIMAL: dict[str, Any] = {"name": "small", "training": {"epochs": 1, "steps_per_epoch": 2}}


def make(**sections: Any) -> MoleculeRunConfig:
    return molecule_config_from_mapping({**MINIMAL, **sections})


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"training": {"epochs": 1}}, r"training\.steps_per_epoch: Field required"),
        ({"optimizer": "adam"}, r"optimizer: no such key"),
        ({"data": {"drug_share": 0.2}}, r"data: .*drug_share needs a wheel"),
        ({"data": {"held_out": 0}}, r"data\.held_out: .*greater than 0, got 0"),
        ({"network": {"num_heads": 3}}, r"network: .*num_heads must divide hidden_size 256"),
        ({"objective": {"masked_share": 1}}, r"objective\.masked_share: "),
        (
            {"objective": {"fingerprint_weight": 0, "fingerprint_bits": 64}},
            r"objective: .*fingerprint_bits needs fingerprint_weight",
        ),
        (
            {"training": {**MINIMAL["training"], "batch_tokens": 255}},
            r"batch_tokens must hold network\.max_length \(256\) tokens, got 255",
        ),
        ({"resources": {"gpus": 2}}, r"resources\.gpus: .*got 2"),
        ({"name": "../up"}, r"name: "),
    ],
)
def test_config_refuses_what_does_not_fit_by_its_key(
    sections: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**sections)


def test_config_is_read_with_overrides(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text("name: small\ntraining: {epochs: 1, steps_per_epoch: 2}\n", encoding="utf-8")
    config = read_molecule_config(path, ["training.epochs=5", "data.wheel=a.whl"])
    assert (config.training.epochs, config.data.wheel) == (5, "a.whl")
    with pytest.raises(ConfigError, match=r"small\.yaml: 1 key"):
        read_molecule_config(path, ["training.epochs=0"])


def test_digest_follows_what_decides_the_weights() -> None:
    digest = pretraining_digest(make())
    same = [
        {"storage": "elsewhere", "description": "words"},
        {"resources": {"cpus": 4, "gpus": 1}},
        {"training": {**MINIMAL["training"], "checkpoint_steps": 7}},
        {"data": {"wheel": "other/place.whl"}},  # what it holds is in the data's own digest
    ]
    assert {pretraining_digest(make(**each)) for each in same} == {digest}
    other = [
        {"seed": 1},
        {"data": {"max_drugs": 5}},
        {"network": {"num_layers": 2}},
        {"objective": {"fingerprint_weight": 0}},
        {"training": {**MINIMAL["training"], "epochs": 2}},
    ]
    assert len({digest, *(pretraining_digest(make(**each)) for each in other)}) == 6
