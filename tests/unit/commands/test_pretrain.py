import json
from pathlib import Path

import pytest

from smm4h_core.encoders.load import load_text_encoder

SMALL = """
name: small
data: {max_drugs: 40, held_out: 0.2}
network: {hidden_size: 32, num_layers: 1, num_heads: 2, intermediate_size: 32, max_length: 32}
objective: {fingerprint_bits: 16}
training: {epochs: 1, steps_per_epoch: 2, batch_tokens: 256}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def test_pretrain_writes_an_encoder_and_says_what_it_restores(
    smm4h, config: Path, tmp_path: Path
) -> None:
    storage, out = f"storage={tmp_path / 'runs'}", tmp_path / "encoder"
    ended = smm4h("pretrain", "molecules", config, "--set", storage, "--inline", "--out", out)

    assert (ended.code, ended.err) == (0, "")
    trained, restored, run, encoder = ended.out.splitlines()
    assert trained.startswith("small: 0.0 M parameters, trained in ")
    assert restored.startswith("restores ")
    assert run.split() == ["run", str(tmp_path / "runs" / "small")]
    assert encoder.split() == ["encoder", str(out)]
    assert load_text_encoder(str(out), pooling="cls").encoder.hidden_size == 32

    again = smm4h("pretrain", "molecules", config, "--set", storage, "--json")  # starts no Ray
    answered = json.loads(again.out)
    assert answered["encoder"] == str(tmp_path / "runs" / "small" / "encoder")
    assert answered["num_drugs"] + answered["num_held_out"] == 40


def test_pretrain_refuses_a_configuration_by_its_key(smm4h, config: Path) -> None:
    ended = smm4h("pretrain", "molecules", config, "--set", "training.epochs=none")

    assert ended.code == 2
    assert "training.epochs: " in ended.err


def test_pretrain_exits_1_without_the_wheel(smm4h, config: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "absent.whl"
    options = ("--set", f"data.wheel={wheel}", "--set", f"storage={tmp_path}", "--inline")
    ended = smm4h("pretrain", "molecules", config, *options)

    assert ended.code == 1
    assert f"{wheel}: expected a wheel that holds" in ended.err
