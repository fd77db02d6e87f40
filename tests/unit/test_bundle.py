"""A bundle gives back what was saved, and says which file is wrong when it cannot."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors

from smm4h_core.bundle import (
    load_bundle,
    read_manifest,
    save_bundle,
    seal,
    verify_bundle,
)
from smm4h_core.bundle_build import join_bundles
from smm4h_core.classify.ensemble import MeanProb, rule_to_json
from smm4h_core.classify.network import Classifier
from smm4h_core.classify.predict import predict_logits
from smm4h_core.config import config_from_mapping
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.errors import BundleError, DataError
from smm4h_core.pipeline import load_pipeline
from smm4h_core.storage import open_storage
from smm4h_core.training.checkpoint import load_trained_weights, trained_weights
from smm4h_core.types import Post
from tests.unit.conftest import SEEDS, save_tiny_bundle


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def test_load_bundle_gives_identical_logits(tiny_bundle: Path, tiny_bert: Path) -> None:
    loaded = load_text_encoder(str(tiny_bert))
    network = Classifier(loaded.encoder, dropout=0.3)
    load_trained_weights(network, load_file(tiny_bundle / "classifier/members/s2-f0.safetensors"))
    encodings = loaded.tokeniser.encode(["my head hurts", "fine"], max_length=48)
    options = {"pad_id": 0, "dtype": torch.float32, "device": torch.device("cpu")}
    expected = predict_logits(network, encodings, **options)
    found = predict_logits(
        load_bundle(tiny_bundle).classifiers["en"].networks[1][0], encodings, **options
    )
    assert (found == expected).all()


def test_bundle_holds_no_code() -> None:
    source = Path(load_bundle.__code__.co_filename).read_text(encoding="utf-8")
    assert "pickle" not in source
    assert "torch.load" not in source


def test_bundle_files_are_safetensors_json_or_text(tiny_bundle: Path) -> None:
    suffixes = {path.suffix for path in tiny_bundle.rglob("*") if path.is_file()}
    assert suffixes <= {".safetensors", ".json", ".md", ".txt", ".parquet"}


def test_verify_bundle_accepts_what_was_saved(bundle: Path) -> None:
    assert verify_bundle(bundle)["name"] == "tiny"


def test_verify_bundle_names_an_altered_file(bundle: Path) -> None:
    path = bundle / "classifier/members/s2-f0.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        BundleError, match=r"1 file\(s\) wrong\n  classifier/members/s2-f0\.safetensors"
    ):
        verify_bundle(bundle)


def test_verify_bundle_names_missing_and_foreign_files(bundle: Path) -> None:
    (bundle / "classifier/encoder/config.json").unlink()
    (bundle / "classifier/encoder/extra.py").write_text("print('hello')")
    with pytest.raises(BundleError) as caught:
        verify_bundle(bundle)
    assert "classifier/encoder/config.json: missing" in str(caught.value)
    assert "classifier/encoder/extra.py: not in the manifest" in str(caught.value)


def test_load_bundle_verifies_first(bundle: Path) -> None:
    (bundle / "README.md").write_text("other")
    with pytest.raises(BundleError, match=r"README\.md"):
        load_bundle(bundle)


@pytest.mark.parametrize("content", ["", "[]", '{"schema_version": 99}', "{}"])
def test_read_manifest_refuses_another_schema(bundle: Path, content: str) -> None:
    (bundle / "manifest.json").write_text(content)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        read_manifest(bundle)


def test_read_manifest_refuses_a_threshold_changed_by_hand(bundle: Path) -> None:
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["parts"]["classifier"]["rule"]["threshold"] = 0.999
    path.write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"manifest\.json: not as it was written"):
        read_manifest(bundle)


def test_read_manifest_names_the_keys_that_are_missing(bundle: Path) -> None:
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["parts"], manifest["languages"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(
        BundleError, match=r"manifest\.json: expected the key\(s\) languages, parts"
    ):
        read_manifest(bundle)


def test_read_manifest_refuses_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a bundle"):
        read_manifest(tmp_path)


def test_load_bundle_refuses_a_configuration_with_unknown_keys(bundle: Path) -> None:
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["parts"]["classifier"]["configuration"]["colour"] = "red"
    path.write_text(json.dumps({**manifest, "sha256": seal(manifest)}))
    with pytest.raises(BundleError, match=r"colour: no such key"):
        load_bundle(bundle)


def test_save_bundle_never_replaces_a_folder_that_is_no_bundle(
    tmp_path: Path, tiny_bert: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    config, storage = _frozen_run(tmp_path, tiny_bert)
    with pytest.raises(BundleError, match="is not a bundle; it is not replaced"):
        _save(config, storage, precious)
    assert (precious / "thesis.txt").read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["member", "precious"]


def test_save_bundle_replaces_an_older_bundle(tmp_path: Path, tiny_bert: Path) -> None:
    config, storage = _frozen_run(tmp_path, tiny_bert)
    _save(config, storage, tmp_path / "bundle")
    (tmp_path / "bundle/README.md").write_text("old")
    _save(config, storage, tmp_path / "bundle")
    verify_bundle(tmp_path / "bundle")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "member"]


def test_load_bundle_refuses_a_frozen_table_of_another_shape(
    tmp_path: Path, tiny_bert: Path
) -> None:
    config, storage = _frozen_run(tmp_path, tiny_bert)
    _save(config, storage, tmp_path / "bundle")
    _rewrite_frozen(tmp_path / "bundle")
    with pytest.raises(BundleError, match=r"frozen\.safetensors: expected"):
        load_bundle(tmp_path / "bundle")


def test_bundle_with_a_frozen_table_keeps_it_once_and_shares_it(
    tmp_path: Path, tiny_bert: Path
) -> None:
    config, storage = _frozen_run(tmp_path, tiny_bert)
    _save(config, storage, tmp_path / "bundle")
    table = load_file(tmp_path / "bundle/classifier/encoder/frozen.safetensors")
    assert list(table) == ["encoder.model.embeddings.word_embeddings.weight"]
    networks = load_bundle(tmp_path / "bundle").classifiers["en"].networks
    tables = [seed[0].encoder.input_embeddings().weight for seed in networks]
    assert tables[0] is tables[1]
    original = load_text_encoder(str(tiny_bert)).encoder.input_embeddings().weight
    assert torch.equal(tables[0], original)
    heads = [seed[0].head[1].weight for seed in networks]
    assert heads[0] is not heads[1]


def _frozen_run(tmp_path: Path, tiny_bert: Path):
    config = config_from_mapping(
        {
            "name": "frozen",
            "task": "1a",
            "data": {"train": [{"path": "a"}], "dev": [{"path": "b"}]},
            "encoder": {"uri": str(tiny_bert), "max_length": 48, "freeze_embeddings": True},
            "training": {"epochs": 1, "learning_rate": 1.0},
            "ensemble": {"seeds": [0, 1]},
        }
    )
    loaded = load_text_encoder(config.encoder.uri)
    loaded.encoder.freeze_embeddings()
    weights = save_tensors(trained_weights(Classifier(loaded.encoder, dropout=0.3)))
    storage = open_storage(str(tmp_path / "member"))
    storage.write("weights.safetensors", lambda stream: stream.write(weights))
    return config, storage


def _save(config, storage, folder: Path) -> None:
    save_bundle(
        config,
        [[storage], [storage]],
        rule=rule_to_json(MeanProb((0.5, 0.5))),
        scores={},
        fingerprint="0" * 64,
        weights_name="weights.safetensors",
        folder=folder,
    )


def _rewrite_frozen(bundle: Path) -> None:
    """A table of another shape, with a manifest that vouches for it."""
    content = save_tensors({"encoder.other.weight": torch.zeros(2, 2)})
    (bundle / "classifier/encoder/frozen.safetensors").write_bytes(content)
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["classifier/encoder/frozen.safetensors"] = {
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    path.write_text(json.dumps({**manifest, "sha256": seal(manifest)}))


def test_a_part_lies_nowhere_but_in_its_bundle(bundle: Path) -> None:
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["parts"]["classifier-/../../elsewhere"] = manifest["parts"].pop("classifier")
    path.write_text(json.dumps({**manifest, "sha256": seal(manifest)}))
    with pytest.raises(BundleError, match=r"no name of a part: 'classifier-/\.\./"):
        load_bundle(bundle)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(bundle: Path) -> None:
    (bundle / "README.md").chmod(0)
    with pytest.raises(BundleError, match=r"README\.md: cannot be read: Permission denied"):
        verify_bundle(bundle)


def test_joined_bundle_asks_the_classifier_of_each_post_s_language(
    tiny_bundle: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    data = {
        "train": [
            {"path": "sample:ru/train", "lang": "ru"},
            {"path": "sample:en/train", "lang": "en"},
        ],
        "dev": [{"path": "sample:ru/dev", "lang": "ru"}],
    }
    (tmp_path / "ru").mkdir()
    # It learnt from English posts too, and is not there to answer them.
    russian = save_tiny_bundle(
        tmp_path / "ru" / "bundle",
        tiny_bert,
        data=data,
        serves=["ru"],
        ensemble={"seeds": SEEDS, "rule": "mean"},
    )
    rewrite_weights(russian)
    parts = [("classifier", russian), ("classifier", tiny_bundle)]
    manifest = join_bundles(parts, name="both", version="1", folder=tmp_path / "both")
    assert set(manifest["parts"]) == {"classifier-en", "classifier-ru"}
    assert manifest["languages"] == ["en", "ru"]
    both, en, ru = (load_pipeline(each) for each in (tmp_path / "both", tiny_bundle, russian))
    posts = [Post("1", "my head hurts", "en"), Post("2", "болит голова", "ru")]
    expected = [*en.process(posts[:1]), *ru.process(posts[1:])]
    assert [each.ade for each in both.process(posts)] == [each.ade for each in expected]
    assert [each.ade for each in both.process(posts[::-1])] == [e.ade for e in expected[::-1]]
    assert [each.lang for each in both.process([p.text for p in posts])] == ["en", "ru"]
    alone = load_pipeline(tmp_path / "both", languages={"ru"})  # loads no English networks
    assert (alone.bundle.languages, set(alone.bundle.classifiers)) == (("ru",), {"ru"})
    assert [each.ade for each in alone.process(posts[1:])] == [expected[1].ade]
    with pytest.raises(DataError, match="expected one of the bundle's languages, ru; got en"):
        alone.process(posts[:1])
    with pytest.raises(BundleError, match="expected one classifier a language, got several for en"):
        join_bundles(
            [("classifier", tiny_bundle)] * 2, name="x", version="1", folder=tmp_path / "x"
        )
    again = join_bundles(
        [("classifier", tmp_path / "both")], name="again", version="1", folder=tmp_path / "again"
    )
    assert set(again["parts"]) == set(manifest["parts"])  # a bundle gives all its parts of a kind
    with pytest.raises(BundleError, match="expected a bundle with a part linker, got classifier"):
        join_bundles([("linker", tiny_bundle)], name="x", version="1", folder=tmp_path / "x")


def rewrite_weights(bundle: Path) -> None:
    """Turn a bundle's decisions round, under a manifest that vouches for it."""
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text())
    for name in manifest["files"]:
        if "/members/" in name:
            weights = load_file(bundle / name)
            last = max(name for name in weights if name.startswith("head."))
            last = last.replace("bias", "weight")
            weights[last] = -weights[last]
            content = save_tensors(weights)
            (bundle / name).write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            manifest["files"][name] = {"size": len(content), "sha256": digest}
    path.write_text(json.dumps({**manifest, "sha256": seal(manifest)}))
